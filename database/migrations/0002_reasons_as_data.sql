-- Reasons become arrays of codes with parameters. A sentence of an earlier version stays one, as the parameter of "text".

CREATE OR REPLACE FUNCTION pg_temp.as_reasons(told TEXT) RETURNS JSONB LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT jsonb_build_array(jsonb_build_object('code', 'text', 'params', jsonb_build_object('text', told)))
$$;

-- Figures and publications

ALTER TABLE analytics_publication
    ALTER COLUMN reason TYPE JSONB USING pg_temp.as_reasons(reason),
    ALTER COLUMN degraded_reason TYPE JSONB USING pg_temp.as_reasons(degraded_reason);
ALTER TABLE analytics_trending_etfs
    ALTER COLUMN missing_reason TYPE JSONB USING pg_temp.as_reasons(missing_reason);
ALTER TABLE analytics_portfolio_allocation
    ALTER COLUMN allocation_reason TYPE JSONB USING pg_temp.as_reasons(allocation_reason);
ALTER TABLE analytics_allocation_candidates
    ALTER COLUMN exclusion_reason TYPE JSONB USING pg_temp.as_reasons(exclusion_reason);
ALTER TABLE analytics_etf_top_holdings
    ALTER COLUMN missing_reason TYPE JSONB USING pg_temp.as_reasons(missing_reason);
ALTER TABLE analytics_portfolio_performance
    ALTER COLUMN carried_reason TYPE JSONB USING pg_temp.as_reasons(carried_reason);
ALTER TABLE analytics_performance_summary
    ALTER COLUMN not_annualised_reason TYPE JSONB USING pg_temp.as_reasons(not_annualised_reason);

-- Bars and runs

DROP VIEW IF EXISTS logs_session_ledger, logs_open_break, logs_quarantined_bar, collected_dollar_close;
ALTER TABLE logs_consumer_error ADD COLUMN reason JSONB;
ALTER TABLE logs_expected_bar ALTER COLUMN reason TYPE JSONB USING pg_temp.as_reasons(reason);
ALTER TABLE logs_price_break ALTER COLUMN reason TYPE JSONB USING pg_temp.as_reasons(reason);
ALTER TABLE logs_missing_holdings ALTER COLUMN reason TYPE JSONB USING pg_temp.as_reasons(reason);
ALTER TABLE logs_stage_run ALTER COLUMN reason TYPE JSONB USING pg_temp.as_reasons(reason);
