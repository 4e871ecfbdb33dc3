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

ALTER TABLE collected_meta_etf
    ADD COLUMN topic         VARCHAR(100),
    ADD COLUMN partition_id  INTEGER,
    ADD COLUMN kafka_offset  BIGINT,
    ADD COLUMN answer_digest BYTEA;

ALTER TABLE collected_daily_etf_ohlc
    ADD COLUMN topic         VARCHAR(100),
    ADD COLUMN partition_id  INTEGER,
    ADD COLUMN kafka_offset  BIGINT,
    ADD COLUMN answer_digest BYTEA;

ALTER TABLE collected_etf_holdings
    ADD COLUMN topic         VARCHAR(100),
    ADD COLUMN partition_id  INTEGER,
    ADD COLUMN kafka_offset  BIGINT,
    ADD COLUMN answer_digest BYTEA;

ALTER TABLE collected_daily_stock_history
    ADD COLUMN topic         VARCHAR(100),
    ADD COLUMN partition_id  INTEGER,
    ADD COLUMN kafka_offset  BIGINT,
    ADD COLUMN answer_digest BYTEA,
    ADD COLUMN quote_digest  BYTEA;

ALTER TABLE collected_monthly_benchmark_holdings
    ADD COLUMN topic         VARCHAR(100),
    ADD COLUMN partition_id  INTEGER,
    ADD COLUMN kafka_offset  BIGINT,
    ADD COLUMN answer_digest BYTEA;


CREATE TABLE evidence_source_answer (
    digest BYTEA PRIMARY KEY,
    body   BYTEA NOT NULL
);
ALTER TABLE evidence_source_answer ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE evidence_meta_etf (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE collected_meta_etf,
    PRIMARY KEY (ticker, position)
);

CREATE TABLE evidence_daily_etf_ohlc (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE collected_daily_etf_ohlc,
    PRIMARY KEY (ticker, trade_date, position)
);

CREATE TABLE evidence_daily_stock_history (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE collected_daily_stock_history,
    PRIMARY KEY (ticker, trade_date, position)
);

CREATE TABLE evidence_etf_holdings (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE collected_etf_holdings,
    PRIMARY KEY (etf_ticker, stock_ticker, collected_date, position)
);

CREATE TABLE evidence_monthly_benchmark_holdings (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE collected_monthly_benchmark_holdings,
    PRIMARY KEY (etf_ticker, holding_ticker, as_of_date, position)
);

CREATE TABLE evidence_price_break (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE logs_price_break,
    PRIMARY KEY (kind, ticker, trade_date, position)
);

CREATE TABLE evidence_consumer_error (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE logs_consumer_error,
    PRIMARY KEY (id, position)
);
