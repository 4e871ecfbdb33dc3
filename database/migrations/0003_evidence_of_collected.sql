-- The chains, and the versions of what is collected.

CREATE TABLE evidence_link (
    chain       TEXT        NOT NULL,
    position    BIGINT      NOT NULL CHECK (position > 0),
    known_at    TIMESTAMPTZ NOT NULL,
    about       JSONB       NOT NULL,
    body        TEXT        NOT NULL,
    body_digest BYTEA       NOT NULL,
    previous    BYTEA       NOT NULL,
    digest      BYTEA       NOT NULL,
    PRIMARY KEY (chain, position)
);
