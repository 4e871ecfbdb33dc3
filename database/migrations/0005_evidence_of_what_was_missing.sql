-- The versions of what was expected and missing: publications say so, and rest on it.

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
