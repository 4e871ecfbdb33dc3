"""What other jobs have published that no longer follows from what is stored: top holdings, sectors, months, the record.

Each answer names the job and the day to give it. Sessions themselves are found by database.queries.stale_sessions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from math import sqrt
from operator import itemgetter
from typing import NamedTuple

from config.periods import MONTHLY_PERIOD
from database.db_helper import Connection, Row, fetch
from database.queries.closes import Closes, is_same, window
from database.queries.decisions import POSITIONS
from database.queries.doubts import sessions_exchange
from database.queries.stale_sessions import SAME_RETURN
from utils.dates import last_session_by, previous_month_end, session_before, sessions_between, traded_on

TOP_HOLDINGS, SECTORS, REBALANCE, PERFORMANCE = "top_holdings", "sectors", "rebalance", "performance"
SHOWN_REASONS = 3

# The stocks of each month's sectors. The sector is the newest one known by the month's end, or else the first one known
# later. known_since is the first session by which the stock was known to be in a fund, and its sector was known.
STOCKS = """
    SELECT month_end, ticker, sector, GREATEST(held_since, sector_since) AS known_since
    FROM UNNEST(%(months)s::date[]) AS month_end
    CROSS JOIN (SELECT DISTINCT ticker FROM collected_daily_stock_history WHERE sector IS NOT NULL) AS stock
    CROSS JOIN LATERAL (
        (SELECT sector, NULL::date AS sector_since
        FROM collected_dollar_close AS close
        WHERE NOT is_etf AND close.ticker = stock.ticker AND sector IS NOT NULL AND trade_date <= month_end
        ORDER BY trade_date DESC LIMIT 1)
        UNION ALL
        (SELECT sector, trade_date
        FROM collected_dollar_close AS close
        WHERE NOT is_etf AND close.ticker = stock.ticker AND sector IS NOT NULL AND trade_date > month_end
        ORDER BY trade_date LIMIT 1)
        ORDER BY sector_since NULLS FIRST
        LIMIT 1
    ) AS known
    LEFT JOIN (
        SELECT stock_ticker AS ticker, MIN(collected_date) AS held_since
        FROM collected_etf_holdings
        GROUP BY stock_ticker
    ) AS holding USING (ticker)
"""


class Stale(NamedTuple):
    """A job to run once more, the day to give it, and what would come out differently."""

    job: str
    day: date
    reason: str


def stale(
    conn: Connection,
    benchmark: str,
    start: date | None = None,
    end: date | None = None,
    outdated: Iterable[date] = (),
) -> list[Stale]:
    """Return what to compute once more of the range, in the order in which to do it.

    outdated: the sessions whose portfolios are to be computed before.
    """
    first, last = start or date.min, end or date.max
    months = list(_rebalances(conn, first, last, set(outdated)))
    found = [*_top_holdings(conn, first, last), *_sectors(conn, benchmark, first, last), *months]
    return [*found, *_performance(conn, benchmark, first, last, bool(months) or bool(set(outdated)))]


def _top_holdings(conn: Connection, first: date, last: date) -> Iterator[Stale]:
    rows = fetch(
        conn,
        """
        SELECT DISTINCT analysis_date, stock_ticker AS ticker, period_days, total_return, avg_return, volatility
        FROM analytics_etf_top_holdings
        WHERE analysis_date BETWEEN %(first)s AND %(last)s
        ORDER BY analysis_date, stock_ticker, period_days
        """,
        {"first": first, "last": last},
    )
    if not rows:
        return
    ends = [window(row["analysis_date"], row["period_days"], sessions_exchange(row["ticker"])) for row in rows]
    closes = Closes(conn, {row["ticker"] for row in rows}, min(ends)[0], max(each for _, each in ends))
    found: dict[date, list[str]] = {}
    for row, (begin, close) in zip(rows, ends, strict=True):
        daily = closes.daily_returns(row["ticker"], begin, close)
        now = {"total_return": closes.simple_return(row["ticker"], begin, close), **_statistics(daily)}
        if said := _differs(f"{row['ticker']} over {row['period_days']} sessions", row, now):
            found.setdefault(row["analysis_date"], []).append(said)
    yield from (Stale(TOP_HOLDINGS, day, _some(reasons)) for day, reasons in found.items())


def _statistics(daily: Sequence[float | None]) -> dict[str, float | None]:
    """Mean and standard deviation (n - 1) of daily returns; None where one is missing."""
    known = [each for each in daily if each is not None]
    if len(known) < len(daily) or len(known) < 2:
        return {"avg_return": None, "volatility": None}
    mean = sum(known) / len(known)
    return {"avg_return": mean, "volatility": sqrt(sum((each - mean) ** 2 for each in known) / (len(known) - 1))}


def _sectors(conn: Connection, benchmark: str, first: date, last: date) -> Iterator[Stale]:
    months = fetch(
        conn,
        """
        SELECT as_of_date FROM analytics_publication
        WHERE job = 'sectors' AND as_of_date BETWEEN %(first)s AND %(last)s
        ORDER BY as_of_date
        """,
        {"first": first, "last": last},
    )
    if not months:
        return
    ends = [row["as_of_date"] for row in months]
    sectors: dict[date, dict[str, str]] = {month: {} for month in ends}
    for row in fetch(conn, STOCKS, {"months": ends}):
        sectors[row["month_end"]][row["ticker"]] = row["sector"]
    closes = Closes(
        conn,
        {benchmark, *(ticker for of_month in sectors.values() for ticker in of_month)},
        window(previous_month_end(ends[0]), 20, "XNYS")[0],
        ends[-1],
    )
    published = fetch(
        conn,
        f"""
        SELECT as_of_date, sector, {", ".join(_NO_SECTOR)}
        FROM analytics_sector_trending
        WHERE as_of_date BETWEEN %(first)s AND %(last)s
        """,
        {"first": first, "last": last},
    )
    lines = {(row["as_of_date"], row["sector"]): row for row in published}
    for month in ends:
        now = _month(closes, benchmark, sectors[month], month)
        names = sorted({*now, *(sector for day, sector in lines if day == month)})
        reasons = [
            said
            for name in names
            if (said := _differs(name, lines.get((month, name), _NO_SECTOR), now.get(name, _NO_SECTOR)))
        ]
        if reasons:
            yield Stale(SECTORS, month, _some(reasons))


_NO_SECTOR: Row = dict.fromkeys(
    ("stock_count", "avg_monthly_return", "benchmark_return", "volatility", "best_day", "worst_day")
)


def _month(closes: Closes, benchmark: str, sectors: Mapping[str, str], month: date) -> dict[str, Row]:
    """Each sector's figures of a month up to a session, as batch.batch_monthly_sector_analyzer defines them."""
    days = [previous_month_end(month), *sessions_between(month.replace(day=1), month)]
    totals: dict[str, list[float]] = {}
    by_day: dict[str, dict[date, list[float]]] = {}
    for ticker, sector in sectors.items():
        own = [window(day, 0, sessions_exchange(ticker))[1] for day in days]
        total = closes.simple_return(ticker, own[0], own[-1])
        if total is None:
            continue
        totals.setdefault(sector, []).append(total)
        of_sector = by_day.setdefault(sector, {})
        for day, (begin, close) in zip(days[1:], pairwise(own), strict=True):
            if begin < close and (daily := closes.simple_return(ticker, begin, close)) is not None:
                of_sector.setdefault(day, []).append(daily)
    compared = closes.simple_return(benchmark, days[0], days[-1])
    return {sector: _figures(of_stocks, compared, by_day[sector]) for sector, of_stocks in totals.items()}


def _figures(of_stocks: Sequence[float], benchmark: float | None, by_day: Mapping[date, Sequence[float]]) -> Row:
    daily = [sum(of_day) / len(of_day) for of_day in by_day.values()]
    average = sum(of_stocks) / len(of_stocks)
    return {
        "stock_count": len(of_stocks),
        "avg_monthly_return": average,
        "benchmark_return": benchmark,
        "volatility": _statistics(daily)["volatility"],
        "best_day": max(daily, default=None),
        "worst_day": min(daily, default=None),
    }


def _rebalances(conn: Connection, first: date, last: date, outdated: set[date]) -> Iterator[Stale]:
    """Months that rest on portfolios that were published later, or are to be."""
    rows = fetch(
        conn,
        """
        SELECT as_of_date, published_at FROM analytics_publication
        WHERE job = 'rebalance' AND as_of_date BETWEEN %(first)s AND %(last)s
        ORDER BY as_of_date
        """,
        {"first": first, "last": last},
    )
    sessions = {row["as_of_date"]: last_session_by(row["as_of_date"]) for row in rows}
    of_sessions = fetch(
        conn,
        """
        SELECT as_of_date, MAX(published_at) AS published_at FROM analytics_publication
        WHERE job = 'allocation' AND as_of_date = ANY(%(sessions)s)
        GROUP BY as_of_date
        """,
        {"sessions": list(sessions.values())},
    )
    merged = {row["as_of_date"]: row["published_at"] for row in of_sessions}
    for row in rows:
        session = sessions[row["as_of_date"]]
        if session in outdated:
            yield Stale(REBALANCE, row["as_of_date"], f"the portfolios of {session} are to be computed again")
        elif session in merged and merged[session] > row["published_at"]:
            yield Stale(REBALANCE, row["as_of_date"], f"the portfolios of {session} were published after it")


def _performance(conn: Connection, benchmark: str, first: date, last: date, is_resting: bool) -> Iterator[Stale]:
    """Yield the track record, where a portfolio in it is newer than it, or its returns come out differently."""
    [line] = fetch(
        conn,
        """
        SELECT MIN(trade_date) AS oldest, MAX(trade_date) AS newest,
            (SELECT MAX(published_at) FROM analytics_publication WHERE job = 'performance') AS published_at
        FROM analytics_portfolio_performance
        """,
    )
    if line["newest"] is None:
        return
    reasons = ["portfolios in it are to be computed again"] if is_resting else []
    reasons += [f"the {_named(row)} was published after it" for row in _decided_since(conn, line, first, last)]
    reasons = reasons or _changed_returns(conn, benchmark, line["oldest"], max(first, line["oldest"]), last)
    if reasons:
        yield Stale(PERFORMANCE, line["newest"], _some(reasons))


def _named(row: Row) -> str:
    noun = "month" if row["period_days"] == MONTHLY_PERIOD else "portfolio"
    return f"{noun} of {row['decided_on']}"


def _decided_since(conn: Connection, line: Row, first: date, last: date) -> list[Row]:
    """Return the portfolios that the record follows, or would, and that were published after it."""
    rows = fetch(
        conn,
        """
        SELECT DISTINCT as_of_date AS decided_on, CASE job WHEN 'rebalance' THEN 0 ELSE -1 END AS period_days
        FROM analytics_publication
        WHERE job IN ('allocation', 'rebalance') AND published_at > %(published_at)s
            AND as_of_date BETWEEN %(first)s AND LEAST(%(last)s, %(newest)s)
        ORDER BY decided_on, period_days
        """,
        {**line, "first": first, "last": last},
    )
    return [row for row in rows if traded_on(row["decided_on"]) <= line["newest"]]


def _changed_returns(conn: Connection, benchmark: str, oldest: date, first: date, last: date) -> list[str]:
    """Return the sessions of the record whose returns the stored prices do not give."""
    rows = fetch(
        conn,
        """
        SELECT period_days, trade_date, decided_on, gross_return, benchmark_return, position_count
        FROM analytics_portfolio_performance
        WHERE trade_date BETWEEN %(first)s AND %(last)s AND gross_return IS NOT NULL
        ORDER BY trade_date, period_days
        """,
        {"first": first, "last": last},
    )
    if not rows:
        return []
    weights: dict[tuple[int, date], dict[str, float]] = {}
    decided = sorted({row["decided_on"] for row in rows})
    positions = fetch(
        conn, f"SELECT * FROM ({POSITIONS}) AS held WHERE decided_on = ANY(%(decided)s)", {"decided": decided}
    )
    for row in positions:
        weights.setdefault((row["period_days"], row["decided_on"]), {})[row["ticker"]] = row["weight"]
    tickers = {benchmark, *(row["ticker"] for row in positions)}
    begin = min(window(oldest, 1, sessions_exchange(ticker))[0] for ticker in tickers)
    record = _Record(Closes(conn, tickers, begin, rows[-1]["trade_date"]), session_before(oldest, 1))
    begun = {days: min(row["trade_date"] for row in of_days) for days, of_days in _by_period(rows)}
    found = []
    for row in rows:
        held = weights.get((row["period_days"], row["decided_on"]), {}) if row["position_count"] else {}
        began = session_before(begun[row["period_days"]], 1)
        now = {
            "gross_return": record.daily_return(held, traded_on(row["decided_on"]), row["trade_date"]),
            "benchmark_return": record.daily_return({benchmark: 1.0}, began, row["trade_date"]),
        }
        if said := _differs(f"{row['trade_date']} of the {_series(row['period_days'])}", row, now):
            found.append(said)
    return found


def _by_period(rows: Iterable[Row]) -> Iterator[tuple[int, list[Row]]]:
    by_period = itemgetter("period_days")
    return ((days, list(of_days)) for days, of_days in groupby(sorted(rows, key=by_period), by_period))


def _series(period_days: int) -> str:
    return "months" if period_days == MONTHLY_PERIOD else f"portfolios over {period_days} sessions"


class _Record:
    """What portfolios were worth at the closes of home sessions, as batch.track_record defines it."""

    def __init__(self, closes: Closes, first: date) -> None:
        self._closes = closes
        self._first = first

    def daily_return(self, weights: Mapping[str, float], entry: date, session: date) -> float:
        """Of weights that were bought at the close of the entry, since the session before."""
        return self._factor(weights, entry, session) / self._factor(weights, entry, session_before(session, 1)) - 1

    def _factor(self, weights: Mapping[str, float], entry: date, session: date) -> float:
        return 1 + sum(weight * self._gain(ticker, entry, session) for ticker, weight in weights.items())

    def _gain(self, ticker: str, entry: date, session: date) -> float:
        bought = self._mark(ticker, entry, date.max)
        if bought is None:
            return 0.0
        price, priced = bought
        now = self._mark(ticker, session, self._closes.break_after(ticker, priced) or date.max)
        return now[0] / price - 1 if now else 0.0

    def _mark(self, ticker: str, session: date, parted: date) -> tuple[float, date] | None:
        """Return the last close by a session that is before a break, and its day."""
        exchange = sessions_exchange(ticker)
        while session >= self._first:
            day = window(session, 0, exchange)[1]
            price = self._closes.close(ticker, day) if day < parted else None
            if price is not None:
                return price, day
            session = session_before(session, 1)
        return None


def _differs(name: str, published: Row, now: Row) -> str | None:
    """Return the first of the figures that has changed, in words."""
    for figure, value in now.items():
        if not is_same(published[figure], value, SAME_RETURN):
            return f"{name}: {figure} {_shown(figure, published[figure])} -> {_shown(figure, value)}"
    return None


def _shown(figure: str, value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if figure.endswith("count") else f"{100 * value:+.4f} %"


def _some(reasons: Sequence[str]) -> str:
    more = len(reasons) - SHOWN_REASONS
    return "; ".join(reasons[:SHOWN_REASONS]) + (f"; {more} more" if more > 0 else "")
