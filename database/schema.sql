-- The newest schema. migrate.py gives an empty database all of it. A database that has tables already gets the files of
-- migrations/ that it lacks, then the last section of this file. A new column stands last in its table, where ADD COLUMN
-- puts it. Naming: NAMING_CONVENTION.md. Column lists for writers: tables.py.
-- Returns and weights are fractions (0.0325 is 3.25 %); prices keep ten decimals, so that no return is changed by rounding.
-- Reasons are arrays of codes with parameters, whose sentences are in utils/reasons.py; NULL stands for none.

-- ── collected: written by the consumers ──────────────────────────────────────────────────────────────────────────────

CREATE TABLE collected_meta_etf (
    ticker      VARCHAR(20) PRIMARY KEY,
    etf_type    VARCHAR(30) NOT NULL,           -- benchmark, sector, benchmark+sector
    sector_name VARCHAR(60),
    description TEXT,
    topic         VARCHAR(100),                      -- of the message that brought the row; NULL: none did, or one of before this column
    partition_id  INTEGER,
    kafka_offset  BIGINT,
    answer_digest BYTEA                              -- SHA-256 of the source's own answer: see evidence_source_answer
);

CREATE TABLE collected_daily_etf_ohlc (
    ticker               VARCHAR(20)     NOT NULL,
    trade_date           DATE            NOT NULL,
    open_price           NUMERIC(22, 10) NOT NULL,
    high_price           NUMERIC(22, 10) NOT NULL,
    low_price            NUMERIC(22, 10) NOT NULL,
    close_price          NUMERIC(22, 10) NOT NULL,   -- adjusted for splits
    adj_close            NUMERIC(22, 10) NOT NULL,   -- adjusted for splits and dividends; every row of a ticker as one fetch gave them, within noise
    volume               BIGINT          NOT NULL,
    price_change_percent NUMERIC(14, 6),             -- percent against the session before; NULL for the first bar
    dividend             NUMERIC(22, 10) NOT NULL DEFAULT 0,
    split_ratio          NUMERIC(22, 10) NOT NULL DEFAULT 1,
    fetched_at           TIMESTAMPTZ     NOT NULL,   -- the source's own clock when it answered
    source               VARCHAR(20)     NOT NULL,   -- yahoo, simulated, recorded
    run_id               VARCHAR(250),
    capital_gain         NUMERIC(22, 10) NOT NULL DEFAULT 0,      -- paid out beside the dividend
    currency             VARCHAR(3)      NOT NULL DEFAULT 'USD',  -- of all prices; minor units are converted
    topic                VARCHAR(100),               -- of the message that brought the row; NULL: none did, or one of before this column
    partition_id         INTEGER,
    kafka_offset         BIGINT,
    answer_digest        BYTEA,                      -- SHA-256 of the source's own answer: see evidence_source_answer
    PRIMARY KEY (ticker, trade_date),
    CHECK (low_price > 0 AND volume >= 0)
);
CREATE INDEX collected_daily_etf_ohlc_by_date ON collected_daily_etf_ohlc (trade_date);

CREATE TABLE collected_etf_holdings (
    etf_ticker      VARCHAR(20)     NOT NULL,
    stock_ticker    VARCHAR(20)     NOT NULL,
    stock_name      VARCHAR(200),
    holding_percent NUMERIC(12, 10) NOT NULL,        -- fraction of the fund
    shares          BIGINT,                          -- Yahoo publishes neither of these two: always NULL
    market_value    BIGINT,
    collected_date  DATE            NOT NULL,        -- last session closed when the snapshot was fetched
    holding_rank    INTEGER         NOT NULL,        -- 1 = largest
    fetched_at      TIMESTAMPTZ     NOT NULL,
    source          VARCHAR(20)     NOT NULL,
    run_id          VARCHAR(250),
    topic           VARCHAR(100),                    -- of the message that brought the row; NULL: none did, or one of before this column
    partition_id    INTEGER,
    kafka_offset    BIGINT,
    answer_digest   BYTEA,                           -- SHA-256 of the source's own answer: see evidence_source_answer
    PRIMARY KEY (etf_ticker, stock_ticker, collected_date)
);
CREATE INDEX collected_etf_holdings_by_snapshot ON collected_etf_holdings (etf_ticker, collected_date);

CREATE TABLE collected_daily_stock_history (
    ticker               VARCHAR(20)     NOT NULL,
    trade_date           DATE            NOT NULL,   -- session of the ticker's own exchange
    open_price           NUMERIC(22, 10),
    high_price           NUMERIC(22, 10),
    low_price            NUMERIC(22, 10),
    close_price          NUMERIC(22, 10) NOT NULL,   -- in `currency`; of a CURRENCY row: units of it per US dollar
    adj_close            NUMERIC(22, 10) NOT NULL,
    volume               BIGINT          NOT NULL,
    price_change_percent NUMERIC(14, 6),
    dividend             NUMERIC(22, 10) NOT NULL DEFAULT 0,
    split_ratio          NUMERIC(22, 10) NOT NULL DEFAULT 1,
    company_name         VARCHAR(200),
    sector               VARCHAR(60),
    quote_type           VARCHAR(20)     NOT NULL DEFAULT 'EQUITY',   -- EQUITY, or CURRENCY for an exchange rate
    currency             VARCHAR(3)      NOT NULL,
    shares_outstanding   BIGINT,
    market_cap           BIGINT,                     -- in `currency`; NULL when unknown, never 0
    market_cap_source    VARCHAR(20),                -- implied_x_close, derived_x_close, shares_x_close, quoted
    fetched_at           TIMESTAMPTZ     NOT NULL,
    source               VARCHAR(20)     NOT NULL,
    run_id               VARCHAR(250),
    capital_gain         NUMERIC(22, 10) NOT NULL DEFAULT 0,
    sector_source        VARCHAR(20),                -- yahoo, or derived: the sector of an ETF that holds the stock
    topic                VARCHAR(100),               -- of the message that brought the row; NULL: none did, or one of before this column
    partition_id         INTEGER,
    kafka_offset         BIGINT,
    answer_digest        BYTEA,                      -- SHA-256 of the source's own answer: see evidence_source_answer
    quote_digest         BYTEA,                      -- ... and of the one that the share count is from
    PRIMARY KEY (ticker, trade_date),
    CHECK (close_price > 0 AND volume >= 0 AND market_cap > 0)
);
CREATE INDEX collected_daily_stock_history_by_date ON collected_daily_stock_history (trade_date);

CREATE TABLE collected_monthly_benchmark_holdings (
    etf_ticker      VARCHAR(20)     NOT NULL,
    holding_ticker  VARCHAR(20)     NOT NULL,
    holding_name    VARCHAR(200),
    holding_percent NUMERIC(12, 10) NOT NULL,
    as_of_date      DATE            NOT NULL,        -- the last session before the month's last Saturday
    holdings_as_of  DATE            NOT NULL,        -- the snapshot's day; after as_of_date = not known at the time
    fetched_at      TIMESTAMPTZ     NOT NULL,
    source          VARCHAR(20)     NOT NULL,
    run_id          VARCHAR(250),
    topic           VARCHAR(100),                    -- of the message that brought the row; NULL: none did, or one of before this column
    partition_id    INTEGER,
    kafka_offset    BIGINT,
    answer_digest   BYTEA,                           -- SHA-256 of the source's own answer: see evidence_source_answer
    PRIMARY KEY (etf_ticker, holding_ticker, as_of_date)
);

-- ── analytics: written by the Spark jobs, a publication's rows in one transaction ────────────────────────────────────

CREATE TABLE analytics_publication (
    job          VARCHAR(40)  NOT NULL,              -- trending, allocation, top_holdings, rebalance, sectors, performance
    as_of_date   DATE         NOT NULL,              -- the session; of a rebalance: the rebalance date
    period_days  INTEGER      NOT NULL,              -- 0 where the job has no period
    status       VARCHAR(20)  NOT NULL CHECK (status IN ('published', 'empty', 'not_computable')),
    reason       JSONB,                              -- why it is empty or not computable; of a rebalance also: which portfolio was
    degraded_reason JSONB,                           -- what was not there or in doubt when it was computed; NULL: nothing
    row_count    INTEGER      NOT NULL,
    cash_weight  DOUBLE PRECISION NOT NULL DEFAULT 0 CHECK (cash_weight BETWEEN 0 AND 1),
    holdings_as_of DATE,                             -- latest snapshot used; after as_of_date = not known at the time
    source       VARCHAR(20)  NOT NULL,
    published_at TIMESTAMPTZ  NOT NULL DEFAULT clock_timestamp(),
    run_id       VARCHAR(250),
    PRIMARY KEY (job, as_of_date, period_days)
);

CREATE TABLE analytics_trending_etfs (
    as_of_date             DATE        NOT NULL,
    etf_ticker             VARCHAR(20) NOT NULL,
    return_5d              DOUBLE PRECISION,
    spy_return_5d          DOUBLE PRECISION,
    outperformance_5d      DOUBLE PRECISION,
    is_trending_5d         BOOLEAN     NOT NULL,
    return_10d             DOUBLE PRECISION,
    spy_return_10d         DOUBLE PRECISION,
    outperformance_10d     DOUBLE PRECISION,
    is_trending_10d        BOOLEAN     NOT NULL,
    return_20d             DOUBLE PRECISION,
    spy_return_20d         DOUBLE PRECISION,
    outperformance         DOUBLE PRECISION,         -- over 20 sessions, as are the three columns that follow
    rank_by_outperformance INTEGER,
    is_trending            BOOLEAN     NOT NULL,
    sector_name            VARCHAR(60),
    missing_reason         JSONB,                    -- why a return is NULL
    is_degraded            BOOLEAN     NOT NULL DEFAULT FALSE,   -- of its publication: see degraded_reason there
    source                 VARCHAR(20) NOT NULL,
    PRIMARY KEY (as_of_date, etf_ticker)
);

CREATE TABLE analytics_portfolio_allocation (
    as_of_date        DATE        NOT NULL,
    ticker            VARCHAR(20) NOT NULL,
    period_days       INTEGER     NOT NULL,
    portfolio_weight  DOUBLE PRECISION NOT NULL CHECK (portfolio_weight BETWEEN 0 AND 1),
    period_return     DOUBLE PRECISION NOT NULL,     -- in US dollars, over period_days
    score             DOUBLE PRECISION NOT NULL,     -- period_return / market_cap
    market_cap        BIGINT      NOT NULL,          -- in US dollars
    market_cap_source VARCHAR(20) NOT NULL,
    position_rank     INTEGER     NOT NULL,          -- 1 = largest weight of this portfolio
    source_etfs       TEXT[]      NOT NULL,
    allocation_reason JSONB       NOT NULL,
    holdings_as_of    DATE        NOT NULL,
    start_session     DATE        NOT NULL,          -- both end points of period_return, on the stock's exchange
    end_session       DATE        NOT NULL,
    company_name      VARCHAR(200),
    sector            VARCHAR(60),
    return_5d         DOUBLE PRECISION,
    sector_avg_5d     DOUBLE PRECISION,
    is_trending_5d    BOOLEAN     NOT NULL,
    rank_5d           INTEGER,
    return_10d        DOUBLE PRECISION,
    sector_avg_10d    DOUBLE PRECISION,
    is_trending_10d   BOOLEAN     NOT NULL,
    rank_10d          INTEGER,
    return_20d        DOUBLE PRECISION,
    sector_avg_20d    DOUBLE PRECISION,
    is_trending_20d   BOOLEAN     NOT NULL,
    rank_20d          INTEGER,
    is_degraded       BOOLEAN     NOT NULL DEFAULT FALSE,   -- of its publication: see degraded_reason there
    source            VARCHAR(20) NOT NULL,
    PRIMARY KEY (as_of_date, ticker, period_days)
);

CREATE TABLE analytics_allocation_candidates (
    as_of_date        DATE        NOT NULL,
    period_days       INTEGER     NOT NULL,
    etf_ticker        VARCHAR(20) NOT NULL,
    ticker            VARCHAR(20) NOT NULL,
    holding_rank      INTEGER     NOT NULL,
    holding_percent   DOUBLE PRECISION NOT NULL,
    holdings_as_of    DATE        NOT NULL,
    period_return     DOUBLE PRECISION,
    market_cap        BIGINT,
    is_selected       BOOLEAN     NOT NULL,
    exclusion_reason  JSONB,
    start_session     DATE        NOT NULL,
    end_session       DATE        NOT NULL,
    source            VARCHAR(20) NOT NULL,
    PRIMARY KEY (as_of_date, period_days, etf_ticker, ticker),
    CHECK (is_selected = (exclusion_reason IS NULL))
);

CREATE TABLE analytics_etf_top_holdings (
    etf_ticker      VARCHAR(20) NOT NULL,
    stock_ticker    VARCHAR(20) NOT NULL,
    stock_name      VARCHAR(200),
    period_days     INTEGER     NOT NULL,
    rank_position   INTEGER     NOT NULL,            -- among the ETF's largest holdings, 1 = highest total_return
    avg_return      DOUBLE PRECISION,                -- mean of the period's daily returns, a session's
    total_return    DOUBLE PRECISION,                -- over the period, in US dollars
    volatility      DOUBLE PRECISION,                -- standard deviation (n - 1) of the daily returns, a session's
    sharpe_ratio    DOUBLE PRECISION,                -- avg_return / volatility, risk-free rate 0; NULL without variance
    analysis_date   DATE        NOT NULL,            -- nothing here is annualised: that would take 60 sessions
    holding_rank    INTEGER,                         -- 1 = largest
    holding_percent DOUBLE PRECISION,                -- fraction of the fund
    holdings_as_of  DATE,                            -- after analysis_date = not known at the time
    start_session   DATE,                            -- both ends of the period, on the stock's exchange
    end_session     DATE,
    missing_reason  JSONB,                           -- why a value is NULL
    source          VARCHAR(20),
    PRIMARY KEY (etf_ticker, stock_ticker, period_days, analysis_date)
);

CREATE TABLE analytics_monthly_portfolio (
    rebalance_date DATE        NOT NULL,
    ticker         VARCHAR(20) NOT NULL,
    valid_until    DATE        NOT NULL,             -- the 20th session after rebalance_date
    final_rank     INTEGER     NOT NULL,             -- from 1: those of the 20-session portfolio; from 20: the others
    final_weight   DOUBLE PRECISION NOT NULL CHECK (final_weight BETWEEN 0 AND 1),
    score          DOUBLE PRECISION NOT NULL,
    source_periods INTEGER[]   NOT NULL,             -- the portfolios it is in
    as_of_date     DATE        NOT NULL,             -- their session: the last one by rebalance_date
    company_name   VARCHAR(200),
    sector         VARCHAR(60),
    source         VARCHAR(20) NOT NULL,
    holdings_as_of DATE,                             -- latest snapshot used; after as_of_date = not known then
    is_degraded    BOOLEAN     NOT NULL DEFAULT FALSE,   -- of its publication: see degraded_reason there
    PRIMARY KEY (rebalance_date, ticker)
);

-- A sector's stocks count alike. Its daily return is the mean of theirs; volatility, days, best and worst are of these.
CREATE TABLE analytics_sector_trending (
    year               INTEGER     NOT NULL,
    month              INTEGER     NOT NULL CHECK (month BETWEEN 1 AND 12),
    sector             VARCHAR(60) NOT NULL,
    stock_count        INTEGER     NOT NULL,         -- with a price at both ends of the month
    avg_monthly_return DOUBLE PRECISION,             -- in US dollars, from the last session of the month before
    volatility         DOUBLE PRECISION,             -- standard deviation (n - 1) of the daily returns, not annualised
    positive_days      INTEGER     NOT NULL,
    trading_days       INTEGER     NOT NULL,
    best_day           DOUBLE PRECISION,
    worst_day          DOUBLE PRECISION,
    is_trending        BOOLEAN     NOT NULL,         -- avg_monthly_return > 0 and > benchmark_return
    benchmark_return   DOUBLE PRECISION,             -- over the same sessions
    as_of_date         DATE,                         -- the last session that counts
    source             VARCHAR(20),
    PRIMARY KEY (year, month, sector)
);

-- The published portfolios followed forward: decided on one session, bought at the close of the next, held with drifting
-- weights until the next one is bought. Values are 1 at the first session, the capital before the first purchase.
CREATE TABLE analytics_portfolio_performance (
    period_days        INTEGER     NOT NULL,         -- 0: the monthly portfolio
    trade_date         DATE        NOT NULL,
    decided_on         DATE        NOT NULL,         -- as_of_date (month: rebalance date) of what was held up to the close
    gross_value        DOUBLE PRECISION NOT NULL,
    net_value          DOUBLE PRECISION NOT NULL,    -- less the cost of every trade
    benchmark_value    DOUBLE PRECISION,
    gross_return       DOUBLE PRECISION,             -- since the session before; NULL for the first session
    net_return         DOUBLE PRECISION,
    benchmark_return   DOUBLE PRECISION,
    drawdown           DOUBLE PRECISION NOT NULL,    -- of net_value, from its highest by then
    benchmark_drawdown DOUBLE PRECISION,
    turnover           DOUBLE PRECISION NOT NULL,    -- at the close, one-way: half of all bought and sold, over the value
    cost               DOUBLE PRECISION NOT NULL,    -- of that, as a fraction of the value
    cash_weight        DOUBLE PRECISION NOT NULL,    -- at the close, before what is traded there
    position_count     INTEGER     NOT NULL,
    carried_weight     DOUBLE PRECISION NOT NULL,    -- of positions, held or bought, that stand at an earlier close
    carried_reason     JSONB,                        -- which, the benchmark included, and why; NULL: none
    is_degraded        BOOLEAN     NOT NULL,         -- what was held was published without some prices
    has_hindsight      BOOLEAN     NOT NULL,         -- ... from holdings collected later, or after it is bought: no real record
    source             VARCHAR(20) NOT NULL,
    PRIMARY KEY (period_days, trade_date)
);

-- What each of them had come to by each session.
CREATE TABLE analytics_performance_summary (
    period_days            INTEGER NOT NULL,
    first_session          DATE    NOT NULL,
    last_session           DATE    NOT NULL,
    session_count          INTEGER NOT NULL,         -- sessions with a return: all but the first
    total_return_gross     DOUBLE PRECISION NOT NULL,
    total_return_net       DOUBLE PRECISION NOT NULL,
    benchmark_return       DOUBLE PRECISION,
    max_drawdown           DOUBLE PRECISION NOT NULL,
    benchmark_max_drawdown DOUBLE PRECISION,
    turnover_average       DOUBLE PRECISION NOT NULL, -- of a session, the first one included
    turnover_total         DOUBLE PRECISION NOT NULL,
    cost_total             DOUBLE PRECISION NOT NULL, -- sum of the costs
    cost_rate              DOUBLE PRECISION NOT NULL, -- of the value that is traded
    cagr                   DOUBLE PRECISION,         -- this and the next five: of the net returns, from 60 sessions on
    volatility             DOUBLE PRECISION,
    sharpe                 DOUBLE PRECISION,         -- risk-free rate 0
    sortino                DOUBLE PRECISION,
    calmar                 DOUBLE PRECISION,
    beta                   DOUBLE PRECISION,         -- to the benchmark
    not_annualised_reason  JSONB,                    -- why the six are NULL
    hindsight_sessions     INTEGER NOT NULL,         -- of session_count: sessions with has_hindsight, ...
    degraded_sessions      INTEGER NOT NULL,
    carried_sessions       INTEGER NOT NULL,
    source                 VARCHAR(20) NOT NULL,
    PRIMARY KEY (period_days, last_session)
);

-- What the lab says about the rule, by the prices it was said from.
CREATE TABLE analytics_lab_report (
    as_of_date   DATE        PRIMARY KEY,            -- the last session whose prices it knows
    source       VARCHAR(20) NOT NULL,
    report       JSONB       NOT NULL,               -- contract.lab.LabReport
    published_at TIMESTAMPTZ NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- ── owned: what a reader asked the platform to keep ───────────────────────────────────────────────────────────────────

-- One row or none: nobody logs in, so that all readers have one set of positions. The API's login alone reads it.
CREATE TABLE owned_positions (
    only_one  BOOLEAN        PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    positions TEXT           NOT NULL CHECK (LENGTH(positions) <= 20000), -- as /stocks/owned-trades takes them
    cash      NUMERIC(12, 2) NOT NULL CHECK (cash >= 0),                  -- in US dollars
    saved_at  TIMESTAMPTZ    NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- ── logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A reason is an array of objects {"code", "params"}: utils/reasons.py has the codes and their sentences.

CREATE TABLE logs_consumer_error (
    id           BIGSERIAL   PRIMARY KEY,
    raw_value    TEXT,                               -- the message; of a range the rejected bar's own
    error_msg    TEXT        NOT NULL,
    received_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    topic        VARCHAR(100) NOT NULL,
    partition_id INTEGER     NOT NULL,
    kafka_offset BIGINT      NOT NULL,
    message_key  TEXT,
    replayed_at  TIMESTAMPTZ,                        -- closed: put back on its topic, or a later bar of the source is stored
    ticker       VARCHAR(20),                        -- of a bar: whose, and of which session
    trade_date   DATE,
    record_time  BIGINT      NOT NULL DEFAULT 0,     -- the broker's time of the message: a recreated topic begins at offset 0 again
    reason       JSONB,                              -- error_msg as data; NULL: rejected by a version that had no reasons
    -- Several bars of one message may be rejected. What has no readable session is one rejection.
    CONSTRAINT logs_consumer_error_address
        UNIQUE NULLS NOT DISTINCT (topic, partition_id, kafka_offset, record_time, trade_date)
);

CREATE TABLE logs_yahoo_request (
    id           BIGSERIAL   PRIMARY KEY,
    requested_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    endpoint     VARCHAR(60) NOT NULL,
    symbol       TEXT,
    http_status  INTEGER,                            -- NULL: no answer
    run_id       VARCHAR(250)
);
CREATE INDEX logs_yahoo_request_by_time ON logs_yahoo_request (requested_at);
CREATE INDEX logs_yahoo_request_limited ON logs_yahoo_request (requested_at) WHERE http_status = 429;

-- Bars that a run expected and that were not stored then. Only what no other table knows is kept here: a bar that has
-- come since, or waits for a person, is known by its own row, and logs_session_ledger puts it all together.
CREATE TABLE logs_expected_bar (
    kind              VARCHAR(10)  NOT NULL CHECK (kind IN ('etf', 'stock', 'rate')),
    ticker            VARCHAR(20)  NOT NULL,
    trade_date        DATE         NOT NULL,
    state             VARCHAR(20)  NOT NULL CHECK (state IN ('late', 'missing', 'closed')),
    reason            JSONB        NOT NULL,
    asked_at          TIMESTAMPTZ,                   -- the source's own clock when it answered last; NULL: not asked yet
    first_expected_at TIMESTAMPTZ  NOT NULL DEFAULT clock_timestamp(),
    run_id            VARCHAR(250),                  -- which asked last
    PRIMARY KEY (kind, ticker, trade_date)
);

-- Stored bars that the source has changed since, with what was stored. Written before the new values are sent.
CREATE TABLE logs_restatement (
    kind                VARCHAR(10) NOT NULL CHECK (kind IN ('etf', 'stock', 'rate')),
    ticker              VARCHAR(20) NOT NULL,
    last_session        DATE        NOT NULL,        -- the bar, or the newest of the bars that were rescaled
    change              VARCHAR(20) NOT NULL CHECK (change IN ('restated', 'split', 'dividend')),
    replaced_fetched_at TIMESTAMPTZ NOT NULL,        -- when the old values were fetched
    first_session       DATE        NOT NULL,        -- the bar itself; a split or dividend rescales all from here on
    price_factor        DOUBLE PRECISION NOT NULL,   -- new / old; one and the same for all bars of a split or dividend
    adj_factor          DOUBLE PRECISION NOT NULL,
    old_values          JSONB       NOT NULL,        -- of the bar of last_session: the columns that changed
    new_values          JSONB       NOT NULL,
    fetched_at          TIMESTAMPTZ NOT NULL,
    recorded_at         TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    run_id              VARCHAR(250),
    PRIMARY KEY (kind, ticker, last_session, change, replaced_fetched_at)
);

-- Sessions at which a ticker's prices do not go on as they should, as its last fetch judged them. A return across a
-- withheld one has no value while its bar is quarantined; one across any other is published as degraded.
CREATE TABLE logs_price_break (
    kind        VARCHAR(10) NOT NULL CHECK (kind IN ('etf', 'stock', 'rate')),
    ticker      VARCHAR(20) NOT NULL,
    trade_date  DATE        NOT NULL,                -- the first session behind the break
    is_withheld BOOLEAN     NOT NULL,
    reason      JSONB       NOT NULL,                -- everything that was found there
    judged_at   TIMESTAMPTZ NOT NULL,                -- the source's own clock at that fetch
    run_id      VARCHAR(250),
    PRIMARY KEY (kind, ticker, trade_date)
);

-- Funds that were asked for their holdings for a session in vain: an earlier list stands in for the session's own.
CREATE TABLE logs_missing_holdings (
    etf_ticker VARCHAR(20)  NOT NULL,
    as_of_date DATE         NOT NULL,
    reason     JSONB        NOT NULL,
    asked_at   TIMESTAMPTZ  NOT NULL DEFAULT clock_timestamp(),
    run_id     VARCHAR(250),                         -- which asked last
    PRIMARY KEY (etf_ticker, as_of_date)
);

-- How each run of a DAG has gone: noted by the run itself, and at its end by Airflow's scheduler.
CREATE TABLE logs_stage_run (
    dag_id     VARCHAR(250) NOT NULL,
    run_id     VARCHAR(250) NOT NULL,                -- the Airflow run
    as_of_date DATE         NOT NULL,                -- the session; of a rebalance: the rebalance date
    state      VARCHAR(10)  NOT NULL CHECK (state IN ('running', 'late', 'green', 'skipped', 'failed')),
    reason     JSONB,                                -- what was done, waited for, found to be done already, or failed
    started_at TIMESTAMPTZ  NOT NULL DEFAULT clock_timestamp(),
    ended_at   TIMESTAMPTZ,                          -- NULL: not over
    PRIMARY KEY (dag_id, run_id)
);
CREATE INDEX logs_stage_run_by_date ON logs_stage_run (as_of_date);

-- How far each consumer group is, partition by partition.
CREATE TABLE logs_consumer_lag (
    consumer_group   VARCHAR(100) NOT NULL,
    topic            VARCHAR(100) NOT NULL,
    partition_id     INTEGER      NOT NULL,
    committed_offset BIGINT       NOT NULL,          -- of the next message to store
    end_offset       BIGINT       NOT NULL,          -- of the next message to come
    lag              BIGINT       NOT NULL GENERATED ALWAYS AS (end_offset - committed_offset) STORED,
    measured_at      TIMESTAMPTZ  NOT NULL,          -- older than a minute: the consumer is away
    PRIMARY KEY (consumer_group, topic, partition_id)
);

-- How often the tables have changed, which a trigger of each counts: responses are kept until the sum grows. Each server
-- process counts in a row of its own, so that no writer waits for another one.
CREATE TABLE logs_data_change (
    backend          INTEGER PRIMARY KEY,            -- the server process's number; 0: all before the last migrate
    changes          BIGINT  NOT NULL,               -- its committed transactions that changed a table
    last_transaction XID8    NOT NULL
);

-- ── evidence: added to, and never changed: how it came to what the other tables hold ────────────────────────────────────────

-- Chains of digests, one for the publications and one for each table of what is collected. A link holds the rows that one
-- transaction added, and the digest of the link before: whoever keeps the newest digest can tell any change of the past.
-- `database.canonical` has the text of rows, and the functions below write it.
CREATE TABLE evidence_link (
    chain       TEXT        NOT NULL,                -- publications, or a collected table
    position    BIGINT      NOT NULL CHECK (position > 0),   -- 1, 2, 3 ... in the order of the commits
    known_at    TIMESTAMPTZ NOT NULL,                -- when it was added, just before its transaction's end
    about       JSONB       NOT NULL,                -- what it is about; of a publication its job, day and revision, and all it rests on
    body        TEXT        NOT NULL,                -- canonical text of the rows that it adds, in the order of their keys
    body_digest BYTEA       NOT NULL,                -- SHA-256 of body
    previous    BYTEA       NOT NULL,                -- digest of the link before; of the first link 32 zero bytes
    digest      BYTEA       NOT NULL,                -- SHA-256 of previous, body_digest and the canonical text of (chain, position, known_at, about)
    PRIMARY KEY (chain, position)
);
-- Compressing a body would take more time than all else that a consumer's transaction does for its versions.
ALTER TABLE evidence_link ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX evidence_link_of_publication ON evidence_link ((about ->> 'job'), (about ->> 'as_of_date'), position)
    WHERE chain = 'publications';
CREATE INDEX evidence_link_of_correction ON evidence_link (position)
    WHERE chain = 'publications' AND about ->> 'revision' <> '1';

-- The publications of every revision, but for published_at and run_id, which say nothing of what was published.
CREATE TABLE evidence_publication (
    job             VARCHAR(40)  NOT NULL,
    as_of_date      DATE         NOT NULL,
    period_days     INTEGER      NOT NULL,
    status          VARCHAR(20)  NOT NULL,
    reason          JSONB,
    degraded_reason JSONB,
    row_count       INTEGER      NOT NULL,
    cash_weight     DOUBLE PRECISION NOT NULL,
    holdings_as_of  DATE,
    source          VARCHAR(20)  NOT NULL,
    position        BIGINT       NOT NULL,           -- of the revision's link in the chain of publications
    PRIMARY KEY (job, as_of_date, period_days, position)
);

-- The portfolios of every revision.
CREATE TABLE evidence_portfolio_allocation (
    LIKE analytics_portfolio_allocation,
    position BIGINT NOT NULL,                        -- of the revision's link in the chain of publications
    PRIMARY KEY (as_of_date, ticker, period_days, position)
);

-- The monthly portfolios of every revision.
CREATE TABLE evidence_monthly_portfolio (
    LIKE analytics_monthly_portfolio,
    position BIGINT NOT NULL,                        -- of the revision's link in the chain of publications
    PRIMARY KEY (rebalance_date, ticker, position)
);

-- The record's sessions as each revision had them.
CREATE TABLE evidence_portfolio_performance (
    LIKE analytics_portfolio_performance,
    position BIGINT NOT NULL,                        -- of the revision's link in the chain of publications
    PRIMARY KEY (period_days, trade_date, position)
);

-- The record's figures as each revision had them.
CREATE TABLE evidence_performance_summary (
    LIKE analytics_performance_summary,
    position BIGINT NOT NULL,                        -- of the revision's link in the chain of publications
    PRIMARY KEY (period_days, last_session, position)
);

-- The source's own answers, each once, under the SHA-256 of its bytes: rows and messages name it by that.
CREATE TABLE evidence_source_answer (
    digest BYTEA PRIMARY KEY,
    body   BYTEA NOT NULL,                           -- the bytes, as database/queries/source_answers.py packs them
    base   BYTEA REFERENCES evidence_source_answer   -- an answer of the same kind that was known when they were packed
);
ALTER TABLE evidence_source_answer ALTER COLUMN body SET STORAGE EXTERNAL;

-- Every version of every row of a table, one row each time that a value changes or the row goes: the table itself has the
-- newest ones. fetched_at, run_id and the message are those of the version's first fetch.
CREATE TABLE evidence_meta_etf (
    position   BIGINT  NOT NULL,                     -- of the link in the table's chain that holds it as well
    is_removed BOOLEAN NOT NULL,                     -- the row, which was this, is not there any more
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

-- What results rest on beside what is collected: which prices are in doubt.
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

-- ... and which bars and lists of holdings were missing, and why.
CREATE TABLE evidence_expected_bar (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE logs_expected_bar,
    PRIMARY KEY (kind, ticker, trade_date, position)
);

CREATE TABLE evidence_missing_holdings (
    position   BIGINT  NOT NULL,
    is_removed BOOLEAN NOT NULL,
    LIKE logs_missing_holdings,
    PRIMARY KEY (etf_ticker, as_of_date, position)
);

-- ── schema: written by migrate.py ────────────────────────────────────────────────────────────────────────────────────

-- The migrations that this database has had, or was made with.
CREATE TABLE schema_migration (
    version    INTEGER     PRIMARY KEY,
    name       TEXT        NOT NULL,                 -- of its file
    checksum   TEXT        NOT NULL,                 -- SHA-256 of its text
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- ── made anew by every migrate: views, functions and triggers, which hold no rows ────────────────────────────────────

DROP VIEW IF EXISTS logs_session_ledger, logs_open_break, logs_quarantined_bar, collected_dollar_close,
    evidence_record_session, evidence_record_figures;

-- Bars that were rejected and wait for a person. One of a session that cannot be is none: nobody can accept it.
CREATE VIEW logs_quarantined_bar AS
SELECT DISTINCT ON (topic, ticker, trade_date)
    topic,
    CASE WHEN topic LIKE 'etf-%' THEN 'etf' WHEN ticker LIKE '%=X' THEN 'rate' ELSE 'stock' END AS kind,
    ticker,
    trade_date,
    jsonb_build_array(jsonb_build_object('code', 'quarantined', 'params', jsonb_build_object(
        'id', id,
        'reason', COALESCE(reason, jsonb_build_array(jsonb_build_object(
            'code', 'text', 'params', jsonb_build_object('text', error_msg))))))) AS reason,
    received_at
FROM logs_consumer_error
WHERE replayed_at IS NULL AND topic LIKE '%-daily-data'
    AND trade_date BETWEEN DATE '1990-01-01' AND received_at::date + 1
ORDER BY topic, ticker, trade_date, id DESC;

-- The breaks that count: noted ones, and withheld ones whose bar still waits or is stored as of before a split.
CREATE VIEW logs_open_break AS
SELECT kind, ticker, trade_date, is_withheld, reason
FROM logs_price_break AS price_break
WHERE NOT is_withheld OR reason @> '[{"code": "stale_split"}]' OR EXISTS (
    SELECT 1 FROM logs_quarantined_bar AS quarantined
    WHERE (quarantined.kind, quarantined.ticker, quarantined.trade_date)
        = (price_break.kind, price_break.ticker, price_break.trade_date));

-- Every stored bar in dollars: the one home of the exchange-rate join. The rate is that of the bar's day, else the last
-- one of the five days before (rate_date says which). A ticker that is both a fund and held has its fund's history.
CREATE VIEW collected_dollar_close AS
WITH bar AS (
    SELECT TRUE AS is_etf, ticker, trade_date, currency, close_price, adj_close, NULL::bigint AS market_cap,
        NULL::varchar AS market_cap_source, NULL::varchar AS company_name, NULL::varchar AS sector,
        NULL::varchar AS sector_source, source
    FROM collected_daily_etf_ohlc
    UNION ALL
    SELECT FALSE, ticker, trade_date, currency, close_price, adj_close, market_cap,
        market_cap_source, company_name, sector, sector_source, source
    FROM collected_daily_stock_history AS stock
    WHERE quote_type <> 'CURRENCY'
        AND NOT EXISTS (SELECT 1 FROM collected_daily_etf_ohlc AS etf WHERE etf.ticker = stock.ticker)
)
SELECT
    bar.is_etf,
    bar.ticker,
    bar.trade_date,
    bar.currency,
    bar.close_price,
    bar.adj_close,
    bar.market_cap,
    rate.per_dollar,
    rate.rate_date,
    bar.adj_close::float8 / rate.per_dollar AS dollar_adj_close,
    bar.close_price::float8 / rate.per_dollar AS dollar_close,
    -- Rounded half up. ROUND takes a half to the even side, and adding 0.5 is inexact for large numbers.
    CEIL(FLOOR(2 * bar.market_cap::float8 / rate.per_dollar) / 2)::bigint AS dollar_market_cap,
    bar.market_cap_source,
    bar.company_name,
    bar.sector,
    bar.sector_source,
    bar.source,
    rate.source AS rate_source
FROM bar
LEFT JOIN LATERAL (
    SELECT 1::float8 AS per_dollar, bar.trade_date AS rate_date, NULL::varchar AS source
    WHERE bar.currency = 'USD'
    UNION ALL
    (SELECT close_price::float8, trade_date, rates.source
    FROM collected_daily_stock_history AS rates
    WHERE bar.currency <> 'USD' AND rates.ticker = bar.currency || '=X' AND quote_type = 'CURRENCY'
        AND rates.trade_date BETWEEN bar.trade_date - 5 AND bar.trade_date AND close_price > 0
    ORDER BY trade_date DESC
    LIMIT 1)
) AS rate ON TRUE
WHERE bar.adj_close > 0;

-- Every (ticker, session) that was expected, and what has become of it.
CREATE VIEW logs_session_ledger AS
WITH stored AS (
    SELECT 'etf' AS kind, ticker, trade_date, fetched_at FROM collected_daily_etf_ohlc
    UNION ALL
    SELECT CASE quote_type WHEN 'CURRENCY' THEN 'rate' ELSE 'stock' END, ticker, trade_date, fetched_at
    FROM collected_daily_stock_history
)
SELECT kind, ticker, trade_date, 'stored' AS state, NULL AS reason, first_expected_at, fetched_at AS asked_at
FROM stored
LEFT JOIN logs_expected_bar USING (kind, ticker, trade_date)
UNION ALL
SELECT kind, ticker, trade_date, 'quarantined', quarantined.reason, first_expected_at, received_at
FROM logs_quarantined_bar AS quarantined
LEFT JOIN logs_expected_bar USING (kind, ticker, trade_date)
WHERE NOT EXISTS (
    SELECT 1 FROM stored
    WHERE (stored.kind, stored.ticker, stored.trade_date)
        = (quarantined.kind, quarantined.ticker, quarantined.trade_date))
UNION ALL
SELECT kind, ticker, trade_date, state, reason, first_expected_at, asked_at
FROM logs_expected_bar AS expected
WHERE NOT EXISTS (
    SELECT 1 FROM stored
    WHERE (stored.kind, stored.ticker, stored.trade_date)
        = (expected.kind, expected.ticker, expected.trade_date))
AND NOT EXISTS (
    SELECT 1 FROM logs_quarantined_bar AS quarantined
    WHERE (quarantined.kind, quarantined.ticker, quarantined.trade_date)
        = (expected.kind, expected.ticker, expected.trade_date));

-- The track record as it was published: of each session the first revision since the record begins where it begins now.
-- A session of an older version has no revision, and counts as it stands.
CREATE VIEW evidence_record_figures AS
WITH first_revision AS (
    SELECT period_days, last_session, MIN(position) AS position
    FROM analytics_performance_summary
    JOIN evidence_performance_summary USING (period_days, last_session, first_session)
    GROUP BY period_days, last_session
)
SELECT kept.*
FROM evidence_performance_summary AS kept
JOIN first_revision USING (period_days, last_session, position)
UNION ALL
SELECT newest.*, NULL
FROM analytics_performance_summary AS newest
WHERE NOT EXISTS (
    SELECT 1 FROM first_revision
    WHERE (first_revision.period_days, first_revision.last_session) = (newest.period_days, newest.last_session));

-- The sessions of these figures.
CREATE VIEW evidence_record_session AS
SELECT kept.*
FROM evidence_portfolio_performance AS kept
JOIN (SELECT period_days, last_session AS trade_date, position FROM evidence_record_figures) AS figures
    USING (period_days, trade_date, position)
UNION ALL
SELECT newest.*, NULL
FROM analytics_portfolio_performance AS newest
JOIN (SELECT period_days, last_session AS trade_date FROM evidence_record_figures WHERE position IS NULL) AS figures
    USING (period_days, trade_date);

-- ── weights and cash sum to one: checked when a transaction that touched a portfolio commits ─────────────────────────

CREATE OR REPLACE FUNCTION check_portfolio_sums_to_one() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    total DOUBLE PRECISION;
    publication analytics_publication%ROWTYPE;
    changed RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    IF TG_TABLE_NAME = 'analytics_publication' THEN
        IF (to_jsonb(changed) ->> 'job') <> 'allocation' THEN RETURN NULL; END IF;
    END IF;
    SELECT COALESCE(SUM(portfolio_weight), 0) INTO total FROM analytics_portfolio_allocation
    WHERE as_of_date = changed.as_of_date AND period_days = changed.period_days;
    SELECT * INTO publication FROM analytics_publication
    WHERE job = 'allocation' AND as_of_date = changed.as_of_date AND period_days = changed.period_days;
    IF NOT FOUND THEN
        IF total > 0 THEN
            RAISE EXCEPTION 'portfolio of % over % sessions has rows but no publication',
                changed.as_of_date, changed.period_days USING ERRCODE = 'check_violation';
        END IF;
    ELSIF ABS(total + publication.cash_weight - 1) > 1e-9 THEN
        RAISE EXCEPTION 'portfolio of % over % sessions: weights % + cash % do not sum to 1',
            changed.as_of_date, changed.period_days, total, publication.cash_weight USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS portfolio_sums_to_one ON analytics_publication;
CREATE CONSTRAINT TRIGGER portfolio_sums_to_one AFTER INSERT OR UPDATE OR DELETE ON analytics_publication
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_portfolio_sums_to_one();
DROP TRIGGER IF EXISTS portfolio_sums_to_one ON analytics_portfolio_allocation;
CREATE CONSTRAINT TRIGGER portfolio_sums_to_one AFTER INSERT OR UPDATE OR DELETE ON analytics_portfolio_allocation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_portfolio_sums_to_one();

CREATE OR REPLACE FUNCTION check_month_sums_to_one() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    total DOUBLE PRECISION;
    changed RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    SELECT SUM(final_weight) INTO total FROM analytics_monthly_portfolio
    WHERE rebalance_date = changed.rebalance_date;
    IF ABS(total - 1) > 1e-9 THEN
        RAISE EXCEPTION 'monthly portfolio of %: weights % do not sum to 1',
            changed.rebalance_date, total USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS month_sums_to_one ON analytics_monthly_portfolio;
CREATE CONSTRAINT TRIGGER month_sums_to_one AFTER INSERT OR UPDATE OR DELETE ON analytics_monthly_portfolio
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_month_sums_to_one();

-- ── evidence: canonical text, the chains, and that nothing there is changed ───────────────────────────────────────────────

-- The rows that a query returns, in its order, one line each: the same text in every session. PostgreSQL's own text of a
-- record, with what a session could set otherwise set here. One process: a parallel aggregate would not keep the order.
CREATE OR REPLACE FUNCTION canonical_text(query TEXT) RETURNS TEXT LANGUAGE plpgsql STABLE
    SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    lines TEXT;
BEGIN
    EXECUTE 'SELECT STRING_AGG(canonical_row::text, E''\n'') FROM (' || query || ') AS canonical_row' INTO lines;
    RETURN COALESCE(lines, '');
END $$;

-- Hold a chain until this transaction ends, and return its newest position: 0 before the first link.
CREATE OR REPLACE FUNCTION lock_chain(link_chain TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('evidence ' || link_chain, 0));
    RETURN (SELECT COALESCE(MAX(position), 0) FROM evidence_link WHERE chain = link_chain);
END $$;

-- Add a link, and return its position. body_digest: SHA-256 of its body, which others need not wait for.
CREATE OR REPLACE FUNCTION append_link(link_chain TEXT, link_about JSONB, link_body TEXT, link_body_digest BYTEA)
    RETURNS BIGINT LANGUAGE plpgsql SET timezone = 'UTC' SET datestyle = 'ISO, MDY' AS $$
DECLARE
    last BIGINT := lock_chain(link_chain);
    link evidence_link%ROWTYPE;
BEGIN
    link := ROW(link_chain, last + 1, clock_timestamp(), link_about, link_body, link_body_digest,
        COALESCE((SELECT digest FROM evidence_link WHERE (chain, position) = (link_chain, last)), decode(repeat('00', 32), 'hex')),
        NULL);
    link.digest := link_digest(link.previous, link.body_digest, link.chain, link.position, link.known_at, link.about);
    INSERT INTO evidence_link SELECT link.*;
    RETURN link.position;
END $$;

-- Add a link to a chain and return its position. Other writers of the chain wait until this transaction ends: so the order
-- of the positions is that of the commits, and whoever sees a position sees all those before. Of several chains a
-- transaction adds to the alphabetically first one first.
CREATE OR REPLACE FUNCTION append_evidence(link_chain TEXT, link_about JSONB, link_body TEXT) RETURNS BIGINT LANGUAGE sql
RETURN append_link(link_chain, link_about, link_body, sha256(convert_to(link_body, 'UTF8')));

CREATE OR REPLACE FUNCTION link_digest(
    previous BYTEA, body_digest BYTEA, chain TEXT, link_position BIGINT, known_at TIMESTAMPTZ, about JSONB
) RETURNS BYTEA LANGUAGE sql STABLE
RETURN sha256(previous || body_digest || convert_to(ROW(chain, link_position, known_at, about)::text, 'UTF8'));

-- The newest link of each chain. A chain has very many links: so each is looked up, and none is read for the others.
CREATE OR REPLACE FUNCTION evidence_heads()
    RETURNS TABLE (chain TEXT, "position" BIGINT, digest BYTEA, known_at TIMESTAMPTZ) LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE name AS (
        SELECT MIN(link.chain) AS chain FROM evidence_link AS link
        UNION ALL
        SELECT (SELECT MIN(link.chain) FROM evidence_link AS link WHERE link.chain > name.chain)
        FROM name WHERE name.chain IS NOT NULL
    )
    SELECT head.chain, head.position, head.digest, head.known_at
    FROM name
    CROSS JOIN LATERAL (
        SELECT link.chain, link.position, link.digest, link.known_at FROM evidence_link AS link
        WHERE link.chain = name.chain ORDER BY link.position DESC LIMIT 1
    ) AS head;
END;

CREATE OR REPLACE FUNCTION refuse_changed_evidence() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps evidence: rows are added to it, and never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', HINT = 'A migration disables the trigger, and enables it again.';
END $$;

DO $$
DECLARE
    evidence TEXT;
BEGIN
    FOR evidence IN
        SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'evidence\_%'
        AND NOT EXISTS (
            SELECT 1 FROM pg_trigger WHERE tgrelid = tablename::regclass AND tgname = 'evidence_is_never_changed')
    LOOP
        EXECUTE format('CREATE TRIGGER evidence_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_changed_evidence()', evidence);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER evidence_is_never_changed', evidence);
    END LOOP;
END $$;

-- ── versions: each statement that changes a row which publications rest on leaves the row as it is then ──────────────

-- Whatever writes the tables, nothing has to think of it. The links' text is that of canonical_text. The rights are the
-- owner's, so that no login can add a version by itself.
CREATE OR REPLACE FUNCTION keep_versions() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp
    SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    evidence TEXT := TG_ARGV[0];
    columns TEXT := TG_ARGV[1];
    key TEXT := TG_ARGV[2];
    key_order TEXT := TG_ARGV[3];
    compared TEXT := TG_ARGV[4];
    changed TEXT;
    row_order TEXT := '';
    numbered TEXT;
    first BIGINT;
    link RECORD;
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
            changed := format('SELECT FALSE, %s FROM new_rows', columns);
        WHEN 'UPDATE' THEN
            IF NOT EXISTS (SELECT FROM new_rows) THEN RETURN NULL; END IF;
            changed := format(
                'SELECT FALSE, %1$s FROM new_rows LEFT JOIN (SELECT %2$s, ROW(%3$s) AS was FROM old_rows) AS before
                    USING (%2$s) WHERE ROW(%3$s) IS DISTINCT FROM was
                UNION ALL
                SELECT TRUE, %1$s FROM old_rows LEFT JOIN (SELECT %2$s, TRUE AS stays FROM new_rows) AS after
                    USING (%2$s) WHERE stays IS NULL', columns, key, compared);
        WHEN 'DELETE' THEN
            IF NOT EXISTS (SELECT FROM old_rows) THEN RETURN NULL; END IF;
            changed := format('SELECT TRUE, %s FROM old_rows', columns);
        ELSE
            changed := format('SELECT TRUE, %s FROM %I', columns, TG_TABLE_NAME);
    END CASE;
    -- The rows are read twice. What the statement has left is in one order, and what is joined need not be.
    IF TG_OP NOT IN ('INSERT', 'DELETE') THEN row_order := 'ORDER BY ' || key_order; END IF;
    numbered := format('SELECT (ROW_NUMBER() OVER (%1$s) - 1) / 1000 AS part, *
        FROM (%2$s) AS changed (is_removed, %3$s)', row_order, changed, columns);
    -- Links of a thousand rows: with texts of several megabytes most of the time goes into memory.
    FOR link IN EXECUTE format(
        'SELECT rows, body, sha256(convert_to(body, ''UTF8'')) AS body_digest
        FROM (
            SELECT part, COUNT(*) AS rows, STRING_AGG(ROW(is_removed, %1$s)::text, E''\n'' ORDER BY %2$s) AS body
            FROM (%3$s) AS numbered GROUP BY part
        ) AS link ORDER BY part', columns, key_order, numbered)
    LOOP
        -- A loop reads the first ten links ahead. So other writers of the chain do not wait for their texts.
        IF first IS NULL THEN
            first := lock_chain(TG_TABLE_NAME) + 1;
            EXECUTE format('INSERT INTO %1$I (position, is_removed, %2$s)
                SELECT %3$s + part, is_removed, %2$s FROM (%4$s) AS numbered', evidence, columns, first, numbered);
        END IF;
        PERFORM append_link(
            TG_TABLE_NAME, jsonb_build_object('rows', link.rows, 'by', session_user), link.body, link.body_digest);
    END LOOP;
    RETURN NULL;
END $$;

-- Make the triggers of a table, and the first versions of the rows that it has had before there were any.
CREATE OR REPLACE PROCEDURE begin_versions(of_table TEXT) LANGUAGE plpgsql
    SET timezone = 'UTC' SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    evidence TEXT := 'evidence_' || substring(of_table FROM '_(.*)');
    columns TEXT;
    key TEXT;
    key_order TEXT;
    compared TEXT;
    made TEXT;
    link RECORD;
BEGIN
    SELECT
        STRING_AGG(quote_ident(attname), ', ' ORDER BY attnum),
        STRING_AGG(quote_ident(attname), ', ' ORDER BY place) FILTER (WHERE place > 0),
        STRING_AGG(quote_ident(attname) || CASE WHEN attcollation > 0 THEN ' COLLATE "C"' ELSE '' END, ', '
            ORDER BY place) FILTER (WHERE place > 0),
        STRING_AGG(quote_ident(attname), ', ' ORDER BY attnum) FILTER (
            WHERE place IS NULL AND attname NOT IN ('fetched_at', 'judged_at', 'asked_at', 'run_id', 'topic',
                'partition_id', 'kafka_offset', 'answer_digest', 'quote_digest'))
    INTO columns, key, key_order, compared
    FROM pg_attribute
    LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
    CROSS JOIN LATERAL (SELECT array_position(indkey::int2[], attnum) + 1 AS place) AS keyed
    WHERE attrelid = of_table::regclass AND attnum > 0 AND NOT attisdropped;
    made := format('FOR EACH STATEMENT EXECUTE FUNCTION keep_versions(%L, %L, %L, %L, %L)',
        evidence, columns, key, key_order, compared);
    EXECUTE format('CREATE OR REPLACE TRIGGER keeps_inserted AFTER INSERT ON %I
        REFERENCING NEW TABLE AS new_rows %s', of_table, made);
    EXECUTE format('CREATE OR REPLACE TRIGGER keeps_updated AFTER UPDATE ON %I
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows %s', of_table, made);
    EXECUTE format('CREATE OR REPLACE TRIGGER keeps_deleted AFTER DELETE ON %I
        REFERENCING OLD TABLE AS old_rows %s', of_table, made);
    EXECUTE format('CREATE OR REPLACE TRIGGER keeps_truncated BEFORE TRUNCATE ON %I %s', of_table, made);
    IF EXISTS (SELECT FROM evidence_link WHERE chain = of_table) THEN RETURN; END IF;
    EXECUTE format('INSERT INTO %1$I (position, is_removed, %2$s)
        SELECT (ROW_NUMBER() OVER (ORDER BY %3$s) - 1) / 10000 + 1, FALSE, %2$s FROM %4$I',
        evidence, columns, key_order, of_table);
    FOR link IN EXECUTE format('SELECT COUNT(*) AS rows, STRING_AGG(ROW(is_removed, %2$s)::text, E''\n'' ORDER BY %3$s) AS body
        FROM %1$I GROUP BY position ORDER BY position', evidence, columns, key_order)
    LOOP
        PERFORM append_evidence(of_table, jsonb_build_object('rows', link.rows, 'origin', 'migration'), link.body);
    END LOOP;
END $$;

DO $$
DECLARE
    of_table TEXT;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['collected_meta_etf', 'collected_daily_etf_ohlc', 'collected_daily_stock_history',
        'collected_etf_holdings', 'collected_monthly_benchmark_holdings', 'logs_price_break', 'logs_consumer_error',
        'logs_expected_bar', 'logs_missing_holdings']
    LOOP
        CALL begin_versions(of_table);
    END LOOP;
END $$;

-- ── every change is counted: what the API has kept holds until then ──────────────────────────────────────────────────

-- With the owner's rights: the logins of the writers may not write this table.
CREATE OR REPLACE FUNCTION count_data_change() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO logs_data_change AS counted VALUES (pg_backend_pid(), 1, pg_current_xact_id())
    ON CONFLICT (backend) DO UPDATE
        SET changes = counted.changes + 1, last_transaction = EXCLUDED.last_transaction
        WHERE counted.last_transaction <> EXCLUDED.last_transaction;
    RETURN NULL;
END $$;

-- Consumers measure their lag all the time. No answer about it is kept, and none about what a reader owns.
DO $$
DECLARE
    counted REGCLASS;
BEGIN
    FOR counted IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname NOT IN ('logs_consumer_lag', 'logs_data_change', 'owned_positions')
            AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname = 'data_change')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER data_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
            'FOR EACH STATEMENT EXECUTE FUNCTION count_data_change()', counted);
    END LOOP;
END $$;

-- The rows of ended processes become one. It counts this migrate as well, which may have changed a view.
WITH earlier AS (DELETE FROM logs_data_change RETURNING changes)
INSERT INTO logs_data_change
SELECT 0, COALESCE(SUM(changes), 0) + 1, pg_current_xact_id() FROM earlier;
