-- What came between 0.1.0 and the first numbered migration. Databases were made all along the way and have part of it:
-- hence IF NOT EXISTS, which later migrations do without.

DO $$
BEGIN
    -- The newest table of 0.1.0. Its schema.sql completes what is older.
    IF to_regclass('logs_consumer_lag') IS NULL THEN
        RAISE EXCEPTION 'the tables are older than version 0.1.0, which has to be started on them first';
    END IF;
END $$;

ALTER TABLE collected_daily_etf_ohlc
    ADD COLUMN IF NOT EXISTS capital_gain NUMERIC(22, 10) NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS currency     VARCHAR(3)      NOT NULL DEFAULT 'USD';

ALTER TABLE collected_daily_stock_history
    ADD COLUMN IF NOT EXISTS capital_gain  NUMERIC(22, 10) NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS sector_source VARCHAR(20);

ALTER TABLE analytics_publication
    DROP CONSTRAINT analytics_publication_status_check,
    ADD CONSTRAINT analytics_publication_status_check CHECK (status IN ('published', 'empty', 'not_computable'));

-- The ticker and the session used to be parsed out of the message by the view logs_quarantined_bar.
ALTER TABLE logs_consumer_error
    ADD COLUMN IF NOT EXISTS ticker      VARCHAR(20),
    ADD COLUMN IF NOT EXISTS trade_date  DATE,
    ADD COLUMN IF NOT EXISTS record_time BIGINT NOT NULL DEFAULT 0,
    DROP CONSTRAINT IF EXISTS logs_consumer_error_topic_partition_id_kafka_offset_key,
    DROP CONSTRAINT IF EXISTS logs_consumer_error_address,
    ADD CONSTRAINT logs_consumer_error_address UNIQUE (topic, partition_id, kafka_offset, record_time);
UPDATE logs_consumer_error
SET ticker = message_key, trade_date = CAST(SUBSTRING(error_msg FROM '^\S+ (\d{4}-\d{2}-\d{2}): ') AS DATE)
WHERE trade_date IS NULL AND topic LIKE '%-daily-data' AND error_msg ~ '^\S+ \d{4}-\d{2}-\d{2}: ';

ALTER TABLE logs_yahoo_request ALTER COLUMN symbol TYPE TEXT;

CREATE TABLE IF NOT EXISTS logs_price_break (
    kind        VARCHAR(10) NOT NULL CHECK (kind IN ('etf', 'stock', 'rate')),
    ticker      VARCHAR(20) NOT NULL,
    trade_date  DATE        NOT NULL,
    is_withheld BOOLEAN     NOT NULL,
    reason      TEXT        NOT NULL,
    judged_at   TIMESTAMPTZ NOT NULL,
    run_id      VARCHAR(250),
    PRIMARY KEY (kind, ticker, trade_date)
);

CREATE TABLE IF NOT EXISTS logs_missing_holdings (
    etf_ticker VARCHAR(20)  NOT NULL,
    as_of_date DATE         NOT NULL,
    reason     TEXT         NOT NULL,
    asked_at   TIMESTAMPTZ  NOT NULL DEFAULT clock_timestamp(),
    run_id     VARCHAR(250),
    PRIMARY KEY (etf_ticker, as_of_date)
);

CREATE TABLE schema_migration (
    version    INTEGER     PRIMARY KEY,
    name       TEXT        NOT NULL,
    checksum   TEXT        NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
