-- What a reader owns, where they asked the platform to keep it.

CREATE TABLE owned_positions (
    only_one  BOOLEAN        PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    positions TEXT           NOT NULL CHECK (LENGTH(positions) <= 20000), -- as /stocks/owned-trades takes them
    cash      NUMERIC(12, 2) NOT NULL CHECK (cash >= 0),                  -- in US dollars
    saved_at  TIMESTAMPTZ    NOT NULL DEFAULT CLOCK_TIMESTAMP()
);
