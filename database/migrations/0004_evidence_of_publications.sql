-- Publications as revisions: what each of them published.

CREATE INDEX evidence_link_of_publication ON evidence_link ((about ->> 'job'), (about ->> 'as_of_date'), position)
    WHERE chain = 'publications';
CREATE INDEX evidence_link_of_correction ON evidence_link (position)
    WHERE chain = 'publications' AND about ->> 'revision' <> '1';

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
    position        BIGINT       NOT NULL,
    PRIMARY KEY (job, as_of_date, period_days, position)
);

CREATE TABLE evidence_portfolio_allocation (
    LIKE analytics_portfolio_allocation,
    position BIGINT NOT NULL,
    PRIMARY KEY (as_of_date, ticker, period_days, position)
);

CREATE TABLE evidence_monthly_portfolio (
    LIKE analytics_monthly_portfolio,
    position BIGINT NOT NULL,
    PRIMARY KEY (rebalance_date, ticker, position)
);

CREATE TABLE evidence_portfolio_performance (
    LIKE analytics_portfolio_performance,
    position BIGINT NOT NULL,
    PRIMARY KEY (period_days, trade_date, position)
);

CREATE TABLE evidence_performance_summary (
    LIKE analytics_performance_summary,
    position BIGINT NOT NULL,
    PRIMARY KEY (period_days, last_session, position)
);
