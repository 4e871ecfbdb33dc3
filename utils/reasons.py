"""Reasons: why a figure, a bar or a publication is missing or in doubt, as data.

A reason is a code with parameters. It is stored as JSON, `{"code": "no_price", "params": {"session": "2026-08-21"}}`,
and several as an array of them. SENTENCES is the one place of the English sentences. Other languages have a place of
their own with the same codes.
"""

import math
import string
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import msgspec

LONGEST_GIVEN = 2_000  # bytes of JSON: so a reason cannot be nested deeper than can be put into words
LONGEST_FORMAT = 9  # characters: so a parameter within a format cannot ask for gigabytes of digits

SENTENCES: Mapping[str, str] = {
    # Words that an earlier version stored as a sentence.
    "text": "{text}",
    # Figures and publications
    # A price, and what is said against it.
    "of_ticker": "{ticker}: {reasons}",
    "no_price": "no price on {session}",
    "no_price_by_then": "no price is stored of it by then",
    "no_rate": "no {rate} rate on {session}",
    "not_collected": "no price of it is stored: check the spelling (BRK-B, 005930.KS), or it is not followed here",
    "price_too_old": "its newest price is of {session}, too old to count with",
    "other_currency_owned": "listed in {given}, but its prices here are in {stored}: write the ticker with its "
    "exchange (SAP.DE, 005930.KS), or leave the currency out",
    "other_line_left_out": "another line of it is not counted, so nothing of it is traded",
    "no_exchange": "no exchange is known for the suffix {suffix}",
    "no_market_cap": "no market cap on {session}",
    "prices_break": "prices break at {session}: {reasons:, }",
    "rate_breaks": "{rate} breaks at {session}: {reasons:, }",
    "carried_rate": "the {rate} rate of {session} is that of {used}",
    "lacks_bar": "{ticker} has no bar of {session} ({state})",
    "lacks_rate": "{ticker} has no {rate} rate of {session} ({state})",
    "state_late": "late",
    "state_missing": "missing at the source",
    "state_quarantined": "quarantined",
    "state_closed": "market closed",
    "state_not_collected": "not collected",
    "state_unknown": "the source knew none at all on {session}",
    # A holding, and why it was chosen or not.
    "best_of_etfs": "best of the top {top} of {etfs} over {days} sessions: {gain:+.2%} in US dollars "
    "at a market cap of {market_cap:,.2f*1e-9} billion",
    "best_of_whole_etfs": "best of all holdings of {etfs} over {days} sessions: {gain:+.2%} in US dollars "
    "at a market cap of {market_cap:,.2f*1e-9} billion",
    "not_positive": "return of {gain:+.2f*100} % is not positive",
    "returned_more": "{ticker} returned more ({gain:+.2f*100} %)",
    "larger_holding": "{ticker} returned the same and is the larger holding",
    "first_by_ticker": "{ticker} is equal in return and holding, and first by ticker",
    "earlier_holdings": "holdings of {etf} are of {used} ({reasons})",
    "no_holdings": "no holdings of {etf} are stored",
    "short_list": "its list of holdings of {day} has {listed}, where those before had up to {usual}",
    # A publication that is empty, not computable or degraded.
    "nothing_trends": "no ETF has a positive return that is higher than {benchmark}'s over any period",
    "nothing_trends_over": "no ETF trends over {days} sessions",
    "nothing_trends_yet": "no trending ETFs are published yet: run stages 1 to 3 for a session",
    "without_value": "without a value: {reasons}",
    "not_comparable": "not computable: no ETF can be compared with {benchmark} over any period",
    "not_comparable_over": "not computable: no ETF can be compared with {benchmark} over {days} sessions",
    "had_no_return": "it had none when stage 3 was computed",
    "no_holdings_of_any": "no holdings are stored of {etfs}",
    "nobody_eligible": "none of the {count} largest holdings of {etfs} is eligible: {reasons}",
    "no_holding_returned": "none of the {count} top holdings has a return over {days} sessions",
    "no_sector_prices": "no stock with a known sector has a price on {start} and on {end}",
    "portfolio_is": "the portfolio of {session} over {days} sessions is {reasons}",
    "portfolio_left_out": "the portfolio of {session} over {days} sessions is left out: it is {reasons}",
    "every_portfolio_empty": "every portfolio of {session} is empty",
    "empty_portfolio": "an empty portfolio of {session} adds nothing",
    "over_sessions": "over {days} sessions: {reasons}",
    # The track record.
    "no_portfolio_yet": "no portfolio is published yet: run the five stages for a session",
    "no_portfolio_computable": "none of the {count} published portfolios is computable: too little history is stored",
    "bought_later": "the first portfolio, of {decided_on}, is bought at the close of {bought_on}: "
    "nothing to follow before",
    "nothing_held_yet": "no portfolio was held yet at the close of {session}",
    "not_followed_yet": "no portfolio has been followed yet: run portfolio_performance for a session",
    # What was asked for and cannot be had.
    "no_choice": "{name}={chosen}: choose one of {allowed:, }",
    "no_amount": "{name}={chosen}: give a number above 0, up to {largest:,.0f}, for example {example:.0f}",
    "no_date": "{text} is not a date: write it as YYYY-MM-DD, for example 2026-08-21",
    "no_such_choice": "{names:, } is nothing that a view lets choose: {allowed:, }",
    "no_view": "there is no view {path}: choose one of {views:, }",
    "no_weight_named": "the address names no weight: /evidence/NVDA?period=20&as_of=2026-08-21 is that of NVDA in one "
    "portfolio",
    "not_a_session": "{day} ({weekday}) is not an {exchange} session: the nearest are {before} and {after}",
    "outside_calendar": "{day} is outside the {exchange} calendar ({first} to {last})",
    "sessions_before_outside": "{count} sessions before {session} is outside the {exchange} calendar "
    "({first} to {last})",
    "not_over_yet": "the {exchange} session of {day} is not over yet: the last closed one is {last}",
    "no_bar_stored": "no bar of {ticker} is stored",
    "nothing_stored": "nothing of {ticker} is stored",
    "no_portfolio_of": "no portfolio of {session} is published: run the five stages for that session",
    "no_period_portfolio_of": "no {days}-session portfolio of {session} is published: run the five stages for that "
    "session",
    "no_period_portfolio_yet": "no {days}-session portfolio is published yet: run the five stages for a session",
    "no_rebalance_of": "no rebalance of {session} is published",
    "no_rebalance": "no rebalance is published yet: ./start.sh run rebalance publishes the newest one",
    "no_stock_prices_of": "no stock prices of {session} are stored: run the stages for that session",
    "no_trending_of": "no trending ETFs of {session} are published: run stage 3 for that session",
    "no_trending": "no trending ETFs are published yet: run stage 3 for a session",
    "no_top_holdings_of": "the top holdings of {etf} over {days} sessions as of {session} are not analysed: "
    "run etf_top_holdings_analysis for that session",
    "no_top_holdings": "the top holdings of {etf} over {days} sessions are not analysed yet: "
    "run etf_top_holdings_analysis for a session",
    "no_such_etf": "{ticker} is no ETF of the universe: there are {etfs:, }",
    "no_such_etf_of_many": "{ticker} is no ETF of the universe: there are {count}",
    "no_etf_but_alike": "{ticker} is no ETF of the universe: there are {count}; spelt like it are {alike:, }",
    "no_such_sector": "no sector {name} is known; there are {sectors:, }",
    "no_sectors_yet": "no sector {name} is known: none is stored yet",
    "lab_not_run": "the lab has not been run: ./start.sh lab does it",
    "lab_not_run_by": "the lab has not been run on prices up to {session} or earlier: ./start.sh lab does it",
    # Evidence that cannot be had.
    "portfolios_of": "the portfolios of {session}",
    "monthly_portfolio_of": "the monthly portfolio of {session}",
    "no_evidence_of": "no evidence of {what} is kept: nothing is published of it, or was before there was any",
    "no_revision": "there is no revision {number} of {what}: the newest is {newest}",
    "no_weight_of": "{ticker} has no weight in the {days}-session portfolio of {session}, revision {revision}: "
    "it holds {held:, }",
    "no_monthly_weight_of": "{ticker} has no weight in the monthly portfolio of {session}, revision {revision}: "
    "it holds {held:, }",
    "no_link": "there is no link {position} of a chain {chain}: /evidence/head names the newest of each",
    "no_answer_kept": "no answer of the source with the digest {digest} is kept",
    "answer_not_unpacked": "the answer {digest} cannot be unpacked ({error}): ./start.sh verify names all that was "
    "changed",
    "answer_changed": "the answer {digest} is kept with other bytes than it had: ./start.sh verify names all that was "
    "changed",
    "link_changed": "the rows of link {position} of {chain} ({job}) are not those that its digest is of: "
    "./start.sh verify names what was changed",
    # A parameter that cannot be used.
    "parameter": "{name}: {why}",
    "range_backwards": "from={start} is after to={end}",
    "choose": "choose one of {allowed:, }",
    "choose_sessions": "choose one of {allowed:, } sessions",
    "at_least": "give at least {least}",
    "at_most": "give at most {most:,}",
    "more_than": "give more than {least}",
    "too_long": "give at most {most:,} characters",
    "no_number": "{given} is not a number",
    "no_whole_number": "{given} is not a whole number",
    "no_truth": "{given} is neither true nor false",
    "no_text": "give a text",
    "not_given": "it is missing",
    "given_twice": "it is given more than once",
    "no_parameter": "there is no such parameter here, but {offered:, }",
    "no_parameters": "there is no such parameter here, nor any other",
    "no_json": "the body is no JSON",
    "unusable_value": "it cannot be used ({message})",
    "not_written": "{given} is not written as {form}",
    "a_ticker": "a ticker, like NVDA, 005930.KS or KRW=X",
    "a_sector": "a sector, like Technology",
    "a_chain": "a chain, like publications",
    "a_digest": "a digest of 64 hexadecimal digits",
    "some_positions": "positions, like NVDA:12.5,005930.KS:10:KRW",
    # A request that is refused, and a database or an API that is away.
    "no_path": "there is no {path}: /docs lists the routes",
    "no_method": "{path} cannot be asked this way: /docs lists the methods of each route",
    "body_too_large": "{path} was sent more than any route takes",
    "http_status": "the request cannot be used: HTTP {status}, {phrase}",
    "failed_unexpectedly": "{path} failed unexpectedly; the API's log has the details",
    "no_key": "send the API key in the {header} header",
    "keys_guessed": "too many wrong API keys came from your network: ask again in {seconds} s",
    "no_host": "{host} is no name of this API: ACTSTOCK_HOSTS lists its names",
    "no_format": "Accept: {accept} takes none of what there is: {offered:, }",
    "database_unusable": "PostgreSQL at {server} cannot be used: {error}",
    "database_gone": "PostgreSQL went away: {error}",
    "no_connection_free": "no database connection came free within {seconds:g} s",
    "table_missing": "the table {table} is missing: run python -m database.migrate",
    "tables_too_old": "the tables are of an earlier version: {error}: run python -m database.migrate",
    "database_silent": "the database does not answer",
    "database_not_asked": "the database was not asked yet",
    "database_not_watched": "the database cannot be watched; the API's log says why",
    "api_silent": "the API at {address} does not answer: {error}",
    "api_status": "the API answered {status}",
    "no_table": "{path} has no table {name}; it has {tables:, }",
    "no_tables": "{path} has no table {name}; it has none",
    "weekday_0": "Monday",
    "weekday_1": "Tuesday",
    "weekday_2": "Wednesday",
    "weekday_3": "Thursday",
    "weekday_4": "Friday",
    "weekday_5": "Saturday",
    "weekday_6": "Sunday",
    "no_rebalance_yet": "no rebalance is published yet: the first one follows the last Sunday of a month",
    "earlier_doubts": "the values rest on earlier doubts: {reasons:, }",
    "many_earlier_doubts": "the values rest on earlier doubts: {reasons:, }, and {more} more",
    "too_few_sessions": "{count} sessions followed: a figure for a year takes {needed} of them",
    # Bars and runs
    "several": "{reasons}",
    # Why a message is refused, or waits for a person.
    "not_a_message": "not a {kind}: {error}",
    "fetched_at_untrue": "{key}: fetched_at {fetched_at} cannot be true",
    "day_untrue": "{key}: {day} is not between {earliest} and the day of its fetch, {fetched_on}",
    "holding_listed_twice": "{etf} {day}: a holding is listed twice: {tickers}",
    "not_of_month": "{etf} {day}: it cannot be the snapshot of {month_of}",
    "postgres_refuses": "PostgreSQL refuses it: {error}",
    "doubtful_bar": "{ticker} {session}: {doubt}; accept it with --accept if it is true",
    "quarantined": "no. {id}: {reason}",
    "outside_range": "open {open:g} and close {close:g} are not within {low:g} to {high:g}",
    "close_moved": "close moved {step:+.1%} without a split ({before:g} -> {after:g})",
    "close_moved_at_split": "close moved {step:+.1%} on the day of a split ({before:g} -> {after:g})",
    # What the judgement of a series finds. digits: behind the point of the percentage.
    "step": "close moved {step:+,.1%} without a split ({before:g} -> {after:g}): x {factor:.4g} would make it "
    "continuous",
    "step_at_split": "close moved {step:+,.1%} on the day of a {ratio} split ({before:g} -> {after:g}): x {factor:.4g} "
    "would make it continuous",
    "split_unadjusted": "close moved {step:+,.1%} on the day of a {ratio} split ({before:g} -> {after:g}): older "
    "closes x {factor:.6g} would make it continuous, the source may not have adjusted them",
    "shifted_later": "the closes of {count} sessions in a row are those that are stored of the sessions before them",
    "shifted_earlier": "the closes of {count} sessions in a row are those that are stored of the sessions after them",
    "restated_stretch": "the closes of {count} sessions in a row differ from the stored ones by factors of their own, "
    "up to {change:+.1%}: they may be of something else",
    "standstill": "the close of {close:g} is repeated from {session} on, without any volume",
    "twofold_close": "the source lists the session twice, with closes of {close:g} and {other:g}",
    "begins_apart": "the close moved {step:+,.1%} from the stored bar of {session} to the first one of the answer, "
    "which leaves out all before: it may be of something else",
    "dividend_share": "the dividend of {dividend:g} is {share:.{digits}%} of the close before",
    "close_falls": "the close falls by {change:.{digits}%}",
    "close_rises": "the close rises by {change:.{digits}%}",
    "large_dividend": "{dividend}, but {move}",
    "odd_dividend": "{dividend} and {times:,.0f} times the ticker's other ones; {move}",
    "dividend_gone": "the dividend of {dividend:g} that was stored is not in the answer any more",
    "stale_adjustment": "the stored bar of {session} is of an earlier adjustment",
    "stale_split": "the stored bar of {session} is of before a split",
    "adjusted_close_falls": "the adjusted close falls by {change:.{digits}%}",
    "adjusted_close_rises": "the adjusted close rises by {change:.{digits}%}",
    "without_dividend": "{move} without a dividend",
    "beside_dividend": "{move}, {dividend}",
    "dividend_and_gain_share": "the dividend of {dividend:g} with the capital gain of {gain:g} is "
    "{share:.{digits}%} of the close before",
    "adjusted_below_zero": "the adjusted closes before it are below zero",
    "gain_left_out": "the adjusted close leaves out the capital gain of {gain:g}, {share:.{digits}%} of the close "
    "before, but {move}",
    "other_rates": "its answer is {factor:.4g} times the stored rates",
    "contradicts": "its answer contradicts {odd} of {count} stored closes: it may be of another symbol or shifted by a "
    "day",
    "other_currency": "the source gives the prices in {given}, what is stored is in {stored}",
    "other_unit": "all closes are {factor:.4g} times the stored ones, and no split that is listed makes them so",
    # Why an expected bar is not there.
    "expected": "expected, no answer of the source yet",
    "not_stored_yet": "sent, but not stored yet",
    "no_bar_yet": "the source has no bar yet",
    "no_bar_later": "the source had no bar {sessions} sessions later",
    "no_bar_since": "the source has no bar since {session}: it may be delisted or halted",
    "passed_over": "the source has later bars, but not this one",
    "no_range": "the source has its close, but not all of open, high and low",
    "refused": "refused: {reason}",
    "exchange_closed": "{exchange} has no session",
    "no_session": "{exchanges}: no session",
    "no_session_because": "{exchanges}: no session ({why})",
    "session_after_all": "a session after all; not asked for yet",
    "bar_quarantined": "the bar of {session} is quarantined: see logs_consumer_error",
    "bar_refused": "the bar of {session} is refused: {reason}",
    "no_bar_at_source": "no bar of {session} at the source",
    "no_bar_at_source_yet": "no bar of {session} at the source yet",
    "add_exchange": "{reason}: add it to config/exchanges.toml (a class share of New York is written with a hyphen: "
    "BRK-B)",
    # What Yahoo answered.
    "yahoo_empty": "Yahoo's answer is empty",
    "yahoo_said": "Yahoo answered {said!r}",
    "yahoo_lacks": "Yahoo's answer has no {what!r}",
    "yahoo_unusable": "Yahoo's answer cannot be used: {kind}: {error}",
    "yahoo_module_unusable": "Yahoo's {module} cannot be used: {found}",
    "yahoo_other_symbol": "asked Yahoo for {ticker}, it answered for {other}",
    "yahoo_other_interval": "Yahoo answered with bars of {interval}",
    "yahoo_no_currency": "Yahoo does not say its currency ({currency})",
    "yahoo_odd_unit": "Yahoo says that its prices are in {unit}, in which none of its exchange are",
    "yahoo_uneven": "Yahoo's arrays of prices are not as long as its days",
    "yahoo_nothing": "Yahoo has nothing of the kind on it",
    "yahoo_unknown": "Yahoo does not know {ticker!r}: check the spelling (BRK-B, not BRK.B), or it is delisted",
    "yahoo_status": "Yahoo answered {status} for {ticker}",
    "yahoo_status_said": "Yahoo answered {status} for {ticker}: {said}",
    "tries": "{reason} ({tries} tries)",
    "no_list": "Yahoo has no list of its holdings",
    "empty_list": "Yahoo's list of its holdings is empty",
    "no_holdings_listed": "Yahoo lists no holdings of {etf}",
    "line_left_out": "left out a line that is none: {line}",
    "without_symbol": "left out {name}: it has no symbol",
    "no_ticker": "left out {name}: that is no ticker",
    "cash": "left out {name}: it is cash",
    "untrue_share": "left out {name}: its share of the fund is {share}",
    "no_share": "left out {name}: it is no share",
    "in_percent": "its parts of the fund are in per cent: divided by 100",
    "added_up": "{ticker} is listed more than once: added up",
    # What a run did, waits for, or failed of.
    "holdings_used": "those of {day} are used",
    "no_holdings_stored": "none are stored either",
    "collected": "{as_of}: sent {sent:, } with {requests} requests to Yahoo",
    "sent_to": "{count} to {topic}",
    "nothing": "nothing",
    "already_stored": "already stored: {names}",
    "more_already_stored": "already stored: {names} and {more} more",
    "bars_changed": "{count} stored bars were changed by the source",
    "disk_short": "the disk of {folder} has {free:,} MB free, and with less than {least:,} MB nothing is collected "
    "(DISK_FREE_MB): make room there",
    "budget_spent": "the day's {budget:,} requests to Yahoo are spent, or kept for ETFs (YAHOO_REQUESTS_PER_DAY): it "
    "has its turn on the next day",
    "postponed": "{count:,} tickers wait for the next day, the first of them {tickers}: {reason}",
    "goes_on_without": "goes on without {tickers}",
    "no_trend": "no ETF trends, nothing to collect",
    "no_trend_but_held": "no ETF trends, what is held is collected",
    "nothing_absent": "nothing is late, missing or quarantined",
    "indispensable": "{ticker}: {reason}. Every ETF is compared with it, so nothing goes on without it; the others are "
    "sent. Run the stage again later.",
    "late_bars": "Yahoo has no bar of {session} for {tickers} yet; the others are sent. Run the stage again later: it "
    "asks for these alone. Or let it go on without them (accept_late).",
    "rows_not_stored": "{count} rows were sent but not stored: {rows}. {found}",
    "rejected_message": "{ticker} — logs_consumer_error {reason}",
    "no_rejection": "logs_consumer_error says nothing of them",
    "not_stored_in_time": "what `collect` sent was not in Postgres after {seconds:.0f} seconds: see whether the "
    "consumers run, their logs, and the table logs_consumer_error",
    "topic_made_anew": "the topic {topic} was deleted and created again, and what was sent may be gone: the next try "
    "asks for it again",
    "no_benchmark_price": "{benchmark} has no price of {days: and }: collect it first (stage 1, "
    "daily_benchmark_etf_collection)",
    "stage_3_not_published": "stage 3 has not published {session}: run daily_trending_etf_analysis for it first",
    "no_stock_price": "no stock has a price of {session}: collect it first (stage 4, "
    "daily_trending_etf_holdings_collection)",
    "stage_5_not_published": "stage 5 has not published {session}, the last session by {day}: "
    "run daily_portfolio_allocation for it first",
    "days_skipped": "{count} of the days asked for not published: {reasons:; }",
    "history_goes_on": "computing {sessions} sessions, step {step} of {steps}: {done} sessions have portfolios so far",
    "history_done": "{done} of {sessions} sessions have portfolios",
    "history_interrupted": "interrupted; started again, it goes on where it was",
    "unexpected": "{kind}: {message}",
    "took_too_long": "the run took longer than its time limit",
    "deadlocked": "no task of the run can start any more",
    "no_word": "a task ended without a reason: see its log in Airflow",
    # The lab's verdict, and what else it has to say.
    "lab_edge": "edge at cost <= {cost} bp: over {sessions} sessions {variant:, } beats {benchmark}, with all "
    "{variants} variants counted (p = {p_value})",
    "lab_no_edge": "no edge shown: over {sessions} sessions none of {variants} variants beats {benchmark} by more than "
    "luck explains, even without costs (p = {p_value})",
    "lab_no_edge_held": "no edge shown: over {sessions} sessions the best of {variants} variants beats {benchmark} by "
    "more than luck explains (p = {p_value}), but what was best in the past did not stay ahead of it, even without "
    "costs (yearly Sharpe ratio {sharpe} where held)",
    "lab_not_enough_data": "not enough data: {sessions} sessions can be judged, and a true yearly Sharpe ratio of "
    "{sharpe} takes {needed}: {more} more have to be stored",
    "lab_gaps": "{benchmark} lacks the closes of {sessions} sessions from {first} to {last}: it keeps the last one "
    "there, and nothing is decided by a return that needs one of them",
    "lab_seed_too": "the ETF leg of the seed's rule alone has this edge at cost <= {cost} bp",
    "lab_seed_not": "the ETF leg of the seed's rule alone is not shown to have an edge at any cost",
    "lab_whole_too": "the whole rule has the edge of the stock leg at cost <= {cost} bp",
    "lab_whole_not": "the whole rule is not shown to have an edge at any cost",
    "lab_stocks_apart": "the stock leg is judged by itself, over the {sessions} sessions since holdings were known, "
    "with its {variants} variants counted. Each of the two verdicts is an edge by luck in at most 5 % of cases",
    "lab_stocks_later": "the stock leg, and the whole rule with it, can be judged when {more} more sessions are stored",
    "lab_hindsight": "{variants} variants rest on holdings that became known later, and are not part of the verdict",
    "lab_left_out": "{variants} variants cannot be computed on these prices: too few sessions, or no holdings",
    # A variant of the rule: what it is made of, in this order.
    "lab_period": "{sessions} sessions",
    "lab_period_skip": "{sessions} sessions skip {skip}",
    "lab_all": "all",
    "lab_best": "best {count}",
    "lab_seed_weights": "seed weights",
    "lab_equal_weights": "equal weights",
    "lab_cap_weights": "cap weights",
    "lab_inverse_volatility_weights": "inverse volatility weights",
    "lab_daily": "daily",
    "lab_weekly": "weekly",
    "lab_monthly": "monthly",
    "lab_max_position": "cap {share:.0f*100} %",
    "lab_stocks": "stocks",
    "lab_best_of_each": "best stock of each ETF",
}


class Reason(msgspec.Struct, frozen=True):
    """A code of SENTENCES and its parameters: texts, numbers, dates as ISO texts, reasons and lists of these."""

    code: str
    params: dict[str, Any] = {}

    def __str__(self) -> str:
        return sentence(self)


def reason(code: str, **params: Any) -> Reason:
    """Return a reason with its parameters as JSON holds them.

    Raises ValueError for parameters that are not those of the code's sentence, KeyError for an unknown code.

    >>> reason("text", text="no price")
    Reason(code='text', params={'text': 'no price'})
    """
    if params.keys() != parameters(code):
        raise ValueError(f"{code} takes {sorted(parameters(code))}, not {sorted(params)}")
    return Reason(code, {name: _plain(value) for name, value in params.items()})


def understood(given: Reason) -> Reason:
    """Return a reason that came in a message. One that cannot be told here, as of another version, becomes a text.

    >>> str(understood(Reason("of_the_next_version", {"step": 2})))
    '{"code":"of_the_next_version","params":{"step":2}}'
    """
    written = msgspec.json.encode(given)
    return given if len(written) <= LONGEST_GIVEN and _is_sayable(given) else reason("text", text=written.decode())


def _is_sayable(given: Reason) -> bool:
    try:
        return given.params.keys() == parameters(given.code) and bool(sentence(given))
    except Exception:  # a format meets whatever a message holds
        return False


@cache
def parameters(code: str) -> frozenset[str]:
    """Return the names of a code's parameters.

    >>> sorted(parameters("close_falls"))
    ['change', 'digits']
    """
    return frozenset(fields(SENTENCES[code]))


def fields(text: str) -> Iterator[str]:
    """Yield the names of a sentence's fields, those within a format as well."""
    for _, name, form, _ in string.Formatter().parse(text):
        if name:
            yield name
            yield from fields(form or "")


def sentence(reason: Reason, sentences: Mapping[str, str] = SENTENCES) -> str:
    """Return the reason in words. A parameter that is a reason, or a list, is put into words first.

    sentences: those of a language, by code

    >>> sentence(Reason("returned_more", {"ticker": "NEM", "gain": 0.0963}))
    'NEM returned more (+9.63 %)'
    >>> sentence(Reason("of_ticker", {"ticker": "MU", "reasons": [{"code": "no_price", "params": {"session": "1"}}]}))
    'MU: no price on 1'
    """
    return _Formatter(sentences).vformat(sentences[reason.code], (), reason.params)


def join(reasons: Iterable[Reason], sentences: Mapping[str, str] = SENTENCES) -> str | None:
    """Return the sentences of several reasons as one text, or None without any."""
    return "; ".join(sentence(each, sentences) for each in reasons) or None


def unique(reasons: Iterable[Reason]) -> list[Reason]:
    """Return each reason once, in the order of their English sentences."""
    by_sentence = {sentence(each): each for each in reasons}
    return [by_sentence[words] for words in sorted(by_sentence)]


def of_ticker(ticker: str, reasons: Iterable[Reason]) -> Reason:
    """Return reasons as those of a ticker."""
    return reason("of_ticker", ticker=ticker, reasons=list(reasons))


def without_ticker(told: Reason, ticker: str) -> Reason:
    """Return what is said of a ticker, where it is shown behind the ticker.

    >>> str(without_ticker(of_ticker("IWM", [reason("yahoo_empty")]), "IWM"))
    "Yahoo's answer is empty"
    """
    if told.code == "of_ticker" and told.params["ticker"] == ticker:
        return as_one(from_rows(told.params["reasons"]))
    return told


def as_one(reasons: Iterable[Reason]) -> Reason:
    """Return several reasons as one."""
    listed = list(reasons)
    return listed[0] if len(listed) == 1 else reason("several", reasons=listed)


def as_json(reasons: Iterable[Reason]) -> str | None:
    """Return the value of a JSON column: an array of the reasons, or None without any."""
    listed = list(reasons)
    return msgspec.json.encode(listed).decode() if listed else None


def from_json(stored: str | None) -> list[Reason]:
    """Return the reasons of a JSON column's text."""
    return msgspec.json.decode(stored, type=list[Reason]) if stored else []


def from_rows(stored: Sequence[Mapping[str, Any]] | None) -> list[Reason]:
    """Return the reasons of a JSON column's value."""
    return msgspec.convert(stored or [], list[Reason])


def _plain(value: Any) -> Any:
    """Return a parameter as JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Reason):
        return {"code": value.code, "params": _plain(value.params)}
    if isinstance(value, Mapping):
        return {_plain(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(sys.float_info.max, value)  # JSON has no infinity
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode().replace("\x00", r"\x00")
    return value


class _Formatter(string.Formatter):
    """Fills in parameters. Beyond Python's formats, a number's ends in `*FACTOR`, and a list's is what joins it."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._sentences = sentences

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Mapping):
            return sentence(msgspec.convert(value, Reason), self._sentences)
        if isinstance(value, list):
            separator = "; " if any(isinstance(each, Mapping) for each in value) else ", "
            return (format_spec or separator).join(self.format_field(each, "") for each in value)
        if len(format_spec) > LONGEST_FORMAT:
            raise ValueError(f"{format_spec} is too long for a format")
        number, _, factor = format_spec.partition("*")
        return format(value * float(factor), number) if factor else format(value, format_spec)
