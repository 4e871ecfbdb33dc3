-- A small platform for the tests of API and dashboard: 15 ETFs, ten stocks and a rate with 30 bars each, and what two
-- sessions published. Invented figures. 2026-08-21 over 5 sessions is empty; over 10 it used a later holdings snapshot.

INSERT INTO collected_meta_etf (ticker, etf_type, sector_name, description) VALUES
    ('SPY', 'benchmark', NULL, 'S&P 500'), ('QQQ', 'benchmark+sector', 'Technology', 'Nasdaq 100'),
    ('IWM', 'benchmark', NULL, 'Russell 2000'), ('EWY', 'benchmark', NULL, 'MSCI South Korea'),
    ('DIA', 'benchmark', NULL, 'Dow Jones Industrial Average'),
    ('SCHD', 'benchmark', NULL, 'Dow Jones U.S. Dividend 100'),
    ('XLF', 'sector', 'Financial', 'Financial'), ('XLV', 'sector', 'Healthcare', 'Healthcare'),
    ('XLY', 'sector', 'Consumer Cyclical', 'Consumer Cyclical'),
    ('XLC', 'sector', 'Communication', 'Communication'), ('XLI', 'sector', 'Industrial', 'Industrial'),
    ('XLP', 'sector', 'Consumer Defensive', 'Consumer Defensive'), ('XLU', 'sector', 'Utilities', 'Utilities'),
    ('XLRE', 'sector', 'Real Estate', 'Real Estate'), ('XLB', 'sector', 'Basic Materials', 'Basic Materials');

CREATE TEMP TABLE sample_sessions AS
SELECT day::date AS trade_date, ROW_NUMBER() OVER (ORDER BY day) AS n
FROM GENERATE_SERIES('2026-07-10'::date, '2026-08-21'::date, '1 day') AS day
WHERE EXTRACT(ISODOW FROM day) < 6;

INSERT INTO collected_daily_etf_ohlc
    (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close, volume, price_change_percent,
     fetched_at, source)
SELECT ticker, trade_date, close - 0.4, close + 0.9, close - 1.1, close, close, 1000000 + n * 1000, 0.25,
    '2026-08-21 21:30+00', 'simulated'
FROM (
    SELECT ticker, trade_date, n,
        ROUND((100 + ASCII(SUBSTR(ticker, 3, 1)) + n * 0.35)::numeric, 4) AS close
    FROM collected_meta_etf CROSS JOIN sample_sessions
) AS bars;

CREATE TEMP TABLE sample_stocks (ticker, company_name, sector, currency, price, shares) AS VALUES
    ('NVDA', 'NVIDIA Corporation', 'Technology', 'USD', 182.4, 24300000000),
    ('MU', 'Micron Technology, Inc.', 'Technology', 'USD', 131.2, 1120000000),
    ('CRDO', 'Credo Technology Group Holding Ltd', 'Technology', 'USD', 118.9, 172000000),
    ('GS', 'The Goldman Sachs Group, Inc.', 'Financial', 'USD', 741.0, 302000000),
    ('NEM', 'Newmont Corporation', 'Basic Materials', 'USD', 68.3, 1100000000),
    ('GE', 'GE Aerospace', 'Industrial', 'USD', 268.7, 1060000000),
    ('NFLX', 'Netflix, Inc.', 'Communication', 'USD', 121.5, 4240000000),
    ('WELL', 'Welltower Inc.', 'Real Estate', 'USD', 167.9, 660000000),
    ('005930.KS', 'Samsung Electronics Co., Ltd.', 'Technology', 'KRW', 71200, 5919000000),
    ('000660.KS', 'SK hynix Inc.', 'Technology', 'KRW', 268000, 728000000);

INSERT INTO collected_daily_stock_history
    (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close, volume, price_change_percent,
     company_name, sector, currency, shares_outstanding, market_cap, market_cap_source, fetched_at, source)
SELECT ticker, trade_date, close * 0.996, close * 1.008, close * 0.991, close, close, 500000 + n * 100, 0.4,
    company_name, sector, currency, shares, ROUND(shares * close), 'shares_x_close', '2026-08-21 21:30+00', 'simulated'
FROM (
    SELECT *, ROUND((price * (1 + 0.001 * (2 + LENGTH(company_name) % 5) * (n - 31)))::numeric, 4) AS close
    FROM sample_stocks CROSS JOIN sample_sessions
) AS bars;

INSERT INTO collected_daily_stock_history
    (ticker, trade_date, close_price, adj_close, volume, quote_type, currency, fetched_at, source)
SELECT 'KRW=X', trade_date, 1380 + n, 1380 + n, 0, 'CURRENCY', 'KRW', '2026-08-21 21:30+00', 'simulated'
FROM sample_sessions;

INSERT INTO analytics_publication
    (job, as_of_date, period_days, status, reason, row_count, cash_weight, holdings_as_of, source, published_at, run_id)
VALUES
    ('trending', '2026-08-20', 0, 'published', NULL, 14, 0, NULL, 'simulated', '2026-08-21 11:02+00', 'sample'),
    ('trending', '2026-08-21', 0, 'published', NULL, 14, 0, NULL, 'simulated', '2026-08-24 11:02+00', 'sample'),
    ('allocation', '2026-08-20', 20, 'published', NULL, 2, 0, '2026-08-20', 'simulated', '2026-08-21 13:03+00', 'sample'),
    ('allocation', '2026-08-21', 5, 'empty', '[{"code": "nothing_trends_over", "params": {"days": 5}}]', 0, 1, NULL,
     'simulated', '2026-08-24 13:03+00', 'sample'),
    ('allocation', '2026-08-21', 10, 'published', NULL, 3, 0, '2026-08-28', 'simulated', '2026-08-24 13:03+00', 'sample'),
    ('allocation', '2026-08-21', 20, 'published', NULL, 8, 0.05, '2026-08-21', 'simulated', '2026-08-24 13:03+00', 'sample');

INSERT INTO analytics_trending_etfs
    (as_of_date, etf_ticker, return_5d, spy_return_5d, outperformance_5d, is_trending_5d, return_10d, spy_return_10d,
     outperformance_10d, is_trending_10d, return_20d, spy_return_20d, outperformance, rank_by_outperformance,
     is_trending, sector_name, source)
SELECT as_of_date, ticker, 0.001, 0.004, -0.003, FALSE, r - 0.02, 0.011, r - 0.031, r > 0.031, r, 0.02, r - 0.02,
    ROW_NUMBER() OVER (PARTITION BY as_of_date ORDER BY r DESC, ticker), r > 0.02, sector_name, 'simulated'
FROM (
    SELECT ticker, sector_name, as_of_date, ROUND((ASCII(SUBSTR(ticker, 2, 1)) - 70) * 0.0035, 4) AS r
    FROM collected_meta_etf CROSS JOIN (VALUES ('2026-08-20'::date), ('2026-08-21'::date)) AS day (as_of_date)
    WHERE ticker <> 'SPY'
) AS returns;

-- score = return / market cap; the weight is its share of all scores of the portfolio, times what is not cash.
INSERT INTO analytics_portfolio_allocation
    (as_of_date, ticker, period_days, portfolio_weight, period_return, score, market_cap, market_cap_source,
     position_rank, source_etfs, allocation_reason, holdings_as_of, start_session, end_session, company_name, sector,
     return_5d, is_trending_5d, return_10d, is_trending_10d, return_20d, is_trending_20d, source)
SELECT as_of_date, ticker, period_days,
    (1 - cash) * score / SUM(score) OVER portfolio,
    period_return, score, market_cap, 'shares_x_close',
    ROW_NUMBER() OVER (PARTITION BY as_of_date, period_days ORDER BY score DESC),
    source_etfs,
    jsonb_build_array(jsonb_build_object('code', 'best_of_etfs', 'params', jsonb_build_object(
        'top', 5, 'etfs', source_etfs, 'days', period_days, 'gain', period_return, 'market_cap', market_cap))),
    holdings_as_of, as_of_date - period_days * 7 / 5, as_of_date, company_name, sector,
    period_return / 4, FALSE, period_return / 2, TRUE, period_return, TRUE, 'simulated'
FROM (
    SELECT chosen.*, period_return / market_cap AS score
    FROM (
        SELECT picks.*,
            ROUND(price * shares / CASE currency WHEN 'KRW' THEN 1411 ELSE 1 END)::bigint AS market_cap,
            company_name, sector
        FROM (
            VALUES
                ('2026-08-20'::date, 20, 'NVDA', 0.081::float8, ARRAY['QQQ'], 0::float8, '2026-08-20'::date),
                ('2026-08-20', 20, 'GS', 0.042, ARRAY['XLF', 'DIA'], 0, '2026-08-20'),
                ('2026-08-21', 10, 'MU', 0.064, ARRAY['QQQ'], 0, '2026-08-28'),
                ('2026-08-21', 10, 'GS', 0.023, ARRAY['XLF'], 0, '2026-08-28'),
                ('2026-08-21', 10, 'NEM', 0.051, ARRAY['XLB'], 0, '2026-08-28'),
                ('2026-08-21', 20, 'MU', 0.132, ARRAY['QQQ'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'CRDO', 0.018, ARRAY['IWM'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'GS', 0.048, ARRAY['XLF', 'DIA'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'NEM', 0.117, ARRAY['XLB'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'GE', 0.072, ARRAY['XLI'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'NFLX', 0.094, ARRAY['XLC'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, 'WELL', 0.039, ARRAY['XLRE'], 0.05, '2026-08-21'),
                ('2026-08-21', 20, '000660.KS', 0.151, ARRAY['EWY'], 0.05, '2026-08-21')
        ) AS picks (as_of_date, period_days, ticker, period_return, source_etfs, cash, holdings_as_of)
        JOIN sample_stocks USING (ticker)
    ) AS chosen
) AS scored
WINDOW portfolio AS (PARTITION BY as_of_date, period_days);

-- What 2026-08-20 published lacked a price.
UPDATE analytics_publication SET degraded_reason = '[{"code": "lacks_bar", "params": {
    "ticker": "XLB", "session": "2026-08-13", "state": {"code": "state_missing", "params": {}}}}]'
WHERE as_of_date = '2026-08-20';
UPDATE analytics_trending_etfs SET is_degraded = TRUE WHERE as_of_date = '2026-08-20';
UPDATE analytics_portfolio_allocation SET is_degraded = TRUE WHERE as_of_date = '2026-08-20';

-- Two snapshots of four ETFs. QQQ held MU on the first day, too, but CRDO came later.
INSERT INTO collected_etf_holdings
    (etf_ticker, stock_ticker, stock_name, holding_percent, collected_date, holding_rank, fetched_at, source)
SELECT etf_ticker, ticker, company_name, percent, collected_date,
    ROW_NUMBER() OVER (PARTITION BY etf_ticker, collected_date ORDER BY percent DESC), '2026-08-21 21:30+00', 'simulated'
FROM (
    VALUES
        ('QQQ', 'NVDA', 0.09, '2026-08-20'::date), ('QQQ', 'MU', 0.02, '2026-08-20'), ('XLF', 'GS', 0.11, '2026-08-20'),
        ('QQQ', 'NVDA', 0.091, '2026-08-21'), ('QQQ', 'MU', 0.021, '2026-08-21'), ('QQQ', 'CRDO', 0.004, '2026-08-21'),
        ('XLF', 'GS', 0.111, '2026-08-21'), ('XLB', 'NEM', 0.08, '2026-08-21'), ('DIA', 'GS', 0.10, '2026-08-21'),
        ('EWY', '005930.KS', 0.24, '2026-08-21'), ('EWY', '000660.KS', 0.19, '2026-08-21')
) AS held (etf_ticker, ticker, percent, collected_date)
JOIN sample_stocks USING (ticker);

INSERT INTO analytics_allocation_candidates
    (as_of_date, period_days, etf_ticker, ticker, holding_rank, holding_percent, holdings_as_of, period_return,
     market_cap, is_selected, exclusion_reason, start_session, end_session, source)
SELECT '2026-08-21', 20, etf_ticker, stock_ticker, holding_rank, holding_percent, collected_date, period_return,
    market_cap, reason IS NULL, CASE WHEN reason IS NOT NULL THEN jsonb_build_array(reason) END, '2026-07-24', '2026-08-21', 'simulated'
FROM (
    VALUES ('QQQ', 'NVDA', 0.08, '{"code": "returned_more", "params": {"ticker": "MU", "gain": 0.132}}'::jsonb),
        ('QQQ', 'MU', 0.132, NULL), ('QQQ', 'CRDO', -0.01, '{"code": "not_positive", "params": {"gain": -0.01}}'),
        ('XLF', 'GS', 0.048, NULL), ('DIA', 'GS', 0.048, NULL), ('XLB', 'NEM', 0.117, NULL),
        ('EWY', '005930.KS', NULL, '{"code": "no_rate", "params": {"rate": "KRW=X", "session": "2026-07-24"}}'),
        ('EWY', '000660.KS', 0.151, NULL)
) AS judged (etf_ticker, stock_ticker, period_return, reason)
JOIN collected_etf_holdings AS held USING (etf_ticker, stock_ticker)
LEFT JOIN (
    SELECT ticker AS stock_ticker, market_cap FROM analytics_portfolio_allocation
    WHERE as_of_date = '2026-08-21' AND period_days = 20
) AS positions USING (stock_ticker)
WHERE held.collected_date = '2026-08-21';

INSERT INTO analytics_etf_top_holdings
    (etf_ticker, stock_ticker, stock_name, period_days, rank_position, avg_return, total_return, volatility,
     sharpe_ratio, analysis_date)
SELECT etf_ticker, stock_ticker, stock_name, period_days, holding_rank, 0.001 * period_days / 20, 0.004 * period_days,
    0.21, CASE WHEN holding_rank < 3 THEN 1.2 END, collected_date
FROM collected_etf_holdings CROSS JOIN (VALUES (5), (10), (20)) AS period (period_days);

INSERT INTO analytics_sector_trending
    (year, month, sector, stock_count, avg_monthly_return, volatility, positive_days, trading_days, best_day, worst_day,
     is_trending, benchmark_return, as_of_date, source)
SELECT 2026, month, sector, COUNT(*), 0.01 * month - 0.06, 0.18, 12, 21, 0.021, -0.017, month = 8, 0.015, as_of_date,
    'simulated'
FROM sample_stocks
CROSS JOIN (VALUES (6, '2026-06-30'::date), (7, '2026-07-31'), (8, '2026-08-21')) AS months (month, as_of_date)
GROUP BY month, as_of_date, sector;

INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, holdings_as_of, source)
VALUES ('rebalance', '2026-06-28', 0, 'published', 2, '2026-06-26', 'simulated'),
    ('rebalance', '2026-07-26', 0, 'published', 3, '2026-07-24', 'simulated');

-- The first month lies before the stored bars, the second one is over with the last of them.
INSERT INTO analytics_monthly_portfolio
    (rebalance_date, ticker, valid_until, final_rank, final_weight, score, source_periods, as_of_date, company_name,
     sector, source)
SELECT rebalance_date, ticker, valid_until, final_rank, final_weight, score, source_periods, as_of_date, company_name,
    sector, 'simulated'
FROM (
    VALUES
        ('2026-06-28'::date, 'NEM', '2026-07-27'::date, 1, 0.4::float8, 2::float8, ARRAY[10, 20], '2026-06-26'::date),
        ('2026-06-28', 'WELL', '2026-07-27', 2, 0.6, 3, ARRAY[5, 10, 20], '2026-06-26'),
        ('2026-07-26', 'MU', '2026-08-21', 1, 0.5, 3, ARRAY[5, 10, 20], '2026-07-24'),
        ('2026-07-26', '000660.KS', '2026-08-21', 2, 0.3, 1.8, ARRAY[20], '2026-07-24'),
        ('2026-07-26', 'NEM', '2026-08-21', 20, 0.2, 1.2, ARRAY[5, 10], '2026-07-24')
) AS months (rebalance_date, ticker, valid_until, final_rank, final_weight, score, source_periods, as_of_date)
JOIN sample_stocks USING (ticker);

INSERT INTO logs_consumer_error
    (raw_value, error_msg, received_at, topic, partition_id, kafka_offset, message_key, ticker, trade_date, replayed_at)
VALUES
    ('{"ticker": "IWM"', 'not JSON', '2026-08-20 09:01+00', 'etf-daily-data', 0, 7, 'IWM', NULL, NULL, '2026-08-20 10:00+00'),
    ('{}', 'AMD 2026-08-20: a step of 61 % without a split', '2026-08-21 12:01+00', 'stock-daily-data', 1, 3, 'AMD', 'AMD',
        '2026-08-20', NULL);
INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason, asked_at) VALUES
    ('stock', 'AAPL', '2026-08-20', 'missing', '[{"code": "passed_over", "params": {}}]', '2026-08-21 12:00+00'),
    ('stock', 'AAPL', '2026-08-21', 'late', '[{"code": "expected", "params": {}}]', NULL);
INSERT INTO logs_restatement
    (kind, ticker, last_session, change, replaced_fetched_at, first_session, price_factor, adj_factor, old_values,
     new_values, fetched_at)
VALUES ('etf', 'XLU', '2026-08-19', 'restated', '2026-08-19 21:30+00', '2026-08-19', 1.01, 1.01,
    '{"close_price": 100}', '{"close_price": 101}', '2026-08-20 21:30+00');
INSERT INTO logs_yahoo_request (requested_at, endpoint, symbol, http_status)
SELECT '2026-08-21 09:00+00'::timestamptz + n * INTERVAL '7 minutes', 'chart', 'SPY', CASE n % 5 WHEN 0 THEN 429 ELSE 200 END
FROM GENERATE_SERIES(1, 20) AS n;

-- Two portfolios followed over the last 20 sessions, the one of 20 sessions a little better than SPY.
INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source, published_at, run_id)
VALUES ('performance', '2026-08-21', 0, 'published', 2, 'simulated', '2026-08-24 13:33+00', 'sample');

INSERT INTO analytics_portfolio_performance
    (period_days, trade_date, decided_on, gross_value, net_value, benchmark_value, gross_return, net_return,
     benchmark_return, drawdown, benchmark_drawdown, turnover, cost, cash_weight, position_count, carried_weight,
     is_degraded, has_hindsight, source)
SELECT period_days, trade_date, decided_on, 1 + k * step, net, spy, k * step / NULLIF(k, 0), net / LAG(net) OVER s - 1,
    spy / LAG(spy) OVER s - 1, net / MAX(net) OVER s - 1, spy / MAX(spy) OVER s - 1,
    CASE k WHEN 0 THEN 0.5 ELSE 0 END, CASE k WHEN 0 THEN 0.001 ELSE 0 END, 0, 3, 0, FALSE, k BETWEEN 1 AND 4,
    'simulated'
FROM (
    SELECT period_days, trade_date, step, n - 12 AS k, decided_on,
        CASE n WHEN 12 THEN 1 ELSE (1 + (n - 12) * step) * 0.999 END AS net, 1 + SIN(n - 12) / 50 AS spy
    FROM sample_sessions
    CROSS JOIN (VALUES (0, 0.001::float8, '2026-07-26'::date), (20, 0.002, '2026-07-24')) AS each (period_days, step, decided_on)
    WHERE n >= 12
) AS followed
WINDOW s AS (PARTITION BY period_days ORDER BY trade_date);

INSERT INTO analytics_performance_summary
    (period_days, first_session, last_session, session_count, total_return_gross, total_return_net, benchmark_return,
     max_drawdown, benchmark_max_drawdown, turnover_average, turnover_total, cost_total, cost_rate,
     not_annualised_reason, hindsight_sessions, degraded_sessions, carried_sessions, source)
SELECT period_days, MIN(trade_date) OVER s, trade_date, COUNT(net_return) OVER s, gross_value - 1, net_value - 1,
    benchmark_value - 1, MIN(drawdown) OVER s, MIN(benchmark_drawdown) OVER s, AVG(turnover) OVER s,
    SUM(turnover) OVER s, SUM(cost) OVER s, 0.001,
    jsonb_build_array(jsonb_build_object('code', 'too_few_sessions', 'params', jsonb_build_object(
        'count', COUNT(net_return) OVER s, 'needed', 60))),
    COUNT(*) FILTER (WHERE has_hindsight) OVER s, 0, 0, source
FROM analytics_portfolio_performance
WINDOW s AS (PARTITION BY period_days ORDER BY trade_date);



-- Stage 1 of the last session was late once, then came; of the day before it was asked for again when all was stored.
INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, reason, started_at, ended_at)
VALUES
    ('daily_benchmark_etf_collection', 'scheduled__2026-08-20T21:30:00+00:00', '2026-08-20', 'green',
        '[{"code": "collected", "params": {"as_of": "2026-08-20", "requests": 6, "sent": [
            {"code": "sent_to", "params": {"count": 6, "topic": "etf-daily-data"}}]}}]', '2026-08-21 09:00+00', '2026-08-21 09:01+00'),
    ('daily_benchmark_etf_collection', 'manual__2026-08-21', '2026-08-20', 'skipped',
        '[{"code": "collected", "params": {"as_of": "2026-08-20", "requests": 0, "sent": [{"code": "nothing", "params": {}}]}},
            {"code": "already_stored", "params": {"names": ["SPY", "QQQ", "IWM", "EWY", "DIA", "SCHD"]}}]',
        '2026-08-21 11:00+00', '2026-08-21 11:00:08+00'),
    ('daily_sector_etf_collection', 'scheduled__2026-08-20T21:30:00+00:00', '2026-08-20', 'failed',
        '[{"code": "text", "params": {"text": "Yahoo answered 429"}}]', '2026-08-21 10:00+00', '2026-08-21 10:17+00'),
    ('daily_benchmark_etf_collection', 'scheduled__2026-08-21T21:30:00+00:00', '2026-08-21', 'late',
        '[{"code": "late_bars", "params": {"session": "2026-08-21", "tickers": ["IWM"]}}]', '2026-08-24 09:00+00', NULL),
    ('etf_top_holdings_analysis', 'scheduled__2026-08-21T21:30:00+00:00', '2026-08-21', 'running', NULL,
        '2026-08-24 13:30+00', NULL),
    ('monthly_portfolio_rebalance', 'scheduled__2026-07-26T14:00:00+00:00', '2026-07-26', 'green', NULL,
        '2026-07-26 14:00+00', '2026-07-26 14:01+00');
INSERT INTO logs_consumer_lag
    (consumer_group, topic, partition_id, committed_offset, end_offset, measured_at)
VALUES
    ('etf-daily', 'etf-daily-data', 0, 120, 120, '2026-08-24 14:00+00'),
    ('etf-daily', 'etf-daily-data', 1, 98, 111, '2026-08-24 14:00+00'),
    ('stock-daily', 'stock-daily-data', 0, 4000, 4000, '2026-08-24 13:20+00');

DROP TABLE sample_sessions, sample_stocks;
