-- What the lab says about the rule.

CREATE TABLE analytics_lab_report (
    as_of_date   DATE        PRIMARY KEY,            -- the last session whose prices it knows
    source       VARCHAR(20) NOT NULL,
    report       JSONB       NOT NULL,               -- contract.lab.LabReport
    published_at TIMESTAMPTZ NOT NULL DEFAULT CLOCK_TIMESTAMP()
);
