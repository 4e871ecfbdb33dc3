-- What a replay keeps beside the platform's tables, in its own database only.

CREATE TABLE IF NOT EXISTS replay_run (
    market        TEXT NOT NULL,
    first_session DATE NOT NULL,
    basis         TEXT NOT NULL,                     -- the digest of the code and the settings
    topic_prefix  TEXT NOT NULL,
    clock_before  TEXT                               -- the market server's setting, while a replay has moved it
);

CREATE TABLE IF NOT EXISTS replay_session (
    session     DATE PRIMARY KEY,
    problems    TEXT[] NOT NULL,                     -- what the stages lacked that evening
    seconds     DOUBLE PRECISION NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- Every version of every bar: the collected tables keep the last one alone.
CREATE TABLE IF NOT EXISTS replay_bar (
    ticker             VARCHAR(20) NOT NULL,
    trade_date         DATE        NOT NULL,
    known_on           DATE        NOT NULL,         -- the session on whose evening it was stored
    close_price        NUMERIC(22, 10) NOT NULL,
    adj_close          NUMERIC(22, 10) NOT NULL,
    currency           VARCHAR(3),
    shares_outstanding BIGINT,
    market_cap         BIGINT,
    market_cap_source  VARCHAR(20),
    PRIMARY KEY (ticker, trade_date, known_on)
);
