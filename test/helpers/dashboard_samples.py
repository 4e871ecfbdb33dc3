"""A dashboard without a platform: the real client, an API that answers from a dictionary, readers of the views."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec
import plotly.graph_objects as go
from dash import dcc

from contract.common import WINDOWS
from contract.reasons import shown
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.downloads import as_csv
from dashboard.figures import Colours
from dashboard.page import Page, Theme
from dashboard.texts import Language
from dashboard.views import view_of
from reason_words import explained
from utils.reasons import Reason, reason

PERIODS = (5, 10, 20)
NO_PRICE = reason("no_price", session="2026-07-24")


class Api:
    """Answers by path: a JSON value, or (status, JSON value). `asked` has its requests with their queries.

    A reason is given as a text, or as a list of reasons.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.client = ApiClient("http://api", "the-key", httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        found = self.answers.get(request.url.path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            return httpx.Response(404, json={"error": "NotFound", "detail": f"no {request.url.path}"})
        status, body = found if isinstance(found, tuple) else (200, found)
        return httpx.Response(status, json=explained(body))


def page(
    address: str = "/", language: Language = "en", theme: Theme = "dark", colours: Colours = "blue-orange"
) -> Page:
    path, _, search = address.partition("?")
    return Page(Address.of(path, search), PERIODS, language, theme, colours)


def drawn(
    api: Api,
    address: str = "/",
    language: Language = "en",
    theme: Theme = "dark",
    colours: Colours = "blue-orange",
) -> list[Any]:
    """Draw a view and return its components. An error of the view is raised."""
    asked = page(address, language, theme, colours)
    return view_of(asked.address).page(api.client, asked)


def downloaded(api: Api, name: str, page: Page) -> list[str]:
    """Return the lines of a table that can be downloaded of a view."""
    table = view_of(page.address).tables[name]
    return as_csv(table.rows(api.client, page), table.columns).splitlines()


def parts(component: Any) -> Iterator[Any]:
    """Yield every component and every text of a tree."""
    if component is None:
        return
    if isinstance(component, (list, tuple)):
        for each in component:
            yield from parts(each)
        return
    yield component
    if not isinstance(component, (str, int, float)):
        yield from parts(getattr(component, "children", None))


def text_of(component: Any) -> str:
    """Return all text of a component tree in reading order, with the cells of its grids but without titles."""
    said = []
    for each in parts(component):
        if isinstance(each, (str, int, float)):
            said.append(str(each))
        elif type(each).__name__ == "AgGrid":
            fields = [column["field"] for column in each.columnDefs]
            said += [column["headerName"] for column in each.columnDefs]
            said += [str(row.get(field)) for row in each.rowData for field in fields]
    return " ".join(said)


def rows_of(table: Any) -> list[list[str]]:
    """Return the cells of a plain table, row by row, as a reader reads them."""
    return [[text_of(cell.children) for cell in row.children] for row in table.children[1].children]


def links(component: Any) -> dict[str, str]:
    """Return where the links of a tree lead, by their words."""
    return {text_of(each.children): each.href for each in parts(component) if getattr(each, "href", None)}


def named(component: Any, name: str) -> Any:
    """Return the component with an id; the figure of a chart as plotly's own classes have checked it."""
    found = next(each for each in parts(component) if getattr(each, "id", None) == name)
    if isinstance(found, dcc.Graph):
        chart: Any = found
        chart.figure = checked(chart.figure)
    return found


def checked(figure: Any) -> go.Figure:
    """Return a chart that plotly's own classes have checked. ValueError names what plotly.js does not know."""
    return go.Figure(figure)


# ── answers of the API ───────────────────────────────────────────────────────


def position(rank: int, ticker: str, weight: float, **changes: Any) -> dict[str, Any]:
    return {
        "position_rank": rank,
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "sector": "Technology",
        "portfolio_weight": weight,
        "period_return": 0.117,
        "score": weight * 1e-12,
        "market_cap": 75_130_000_000,
        "market_cap_source": "shares_x_close",
        "source_etfs": ["XLB", "DIA"],
        "allocation_reason": "best of the top 5 of XLB and DIA over 20 sessions",
        "holdings_as_of": "2026-08-20",
        "start_session": "2026-07-24",
        "end_session": "2026-08-21",
        "return_5d": None,
        "return_10d": None,
        "return_20d": None,
        **changes,
    }


def candidate(etf: str, ticker: str, rank: int, excluded: list[Reason] | str | None, **changes: Any) -> dict[str, Any]:
    return {
        "etf_ticker": etf,
        "ticker": ticker,
        "holding_rank": rank,
        "holding_percent": 0.25 / rank,
        "holdings_as_of": "2026-08-20",
        "period_return": 0.117 if excluded is None else -0.0321,
        "market_cap": 75_130_000_000,
        "is_selected": excluded is None,
        "exclusion_reason": excluded,
        "start_session": "2026-07-24",
        "end_session": "2026-08-21",
        "source": "yahoo",
        **changes,
    }


def portfolio(*positions: Any, candidates: Any = (), **changes: Any) -> dict[str, Any]:
    return {
        "as_of_date": "2026-08-21",
        "period_days": 20,
        "status": "published" if positions else "empty",
        "reason": None if positions else "nobody beat SPY",
        "degraded_reason": None,
        "cash_weight": 0.0 if positions else 1.0,
        "holdings_as_of": "2026-08-20",
        "holdings_known_later": False,
        "source": "yahoo",
        "published_at": "2026-08-24T13:03:00Z",
        "run_id": "manual__2026-08-24",
        "positions": list(positions),
        "candidate_count": len(candidates),
        "candidates": list(candidates),
        **changes,
    }


def allocations(shown: dict[str, Any], bars: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Build a session's three portfolios: the one to show, and two empty ones."""
    days = shown["period_days"]
    others = [portfolio(period_days=period) for period in PERIODS if period != days]
    portfolios = sorted([shown, *others], key=lambda each: each["period_days"])
    return {"as_of_date": shown["as_of_date"], "bars": dict(bars or {"stored": 83}), "portfolios": portfolios}


def month_position(rank: int, ticker: str, weight: float, **changes: Any) -> dict[str, Any]:
    return {
        "final_rank": rank,
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "sector": "Technology",
        "final_weight": weight,
        "score": 2.0,
        "source_periods": [10, 20],
        "price_usd": 100.0,
        "price_date": "2026-07-24",
        "split_factor": 1.0,
        "previous_weight": None,
        "previous_rank": None,
        **changes,
    }


def month(*positions: Any, **changes: Any) -> dict[str, Any]:
    return {
        "rebalance_date": "2026-07-26",
        "valid_until": "2026-08-21",
        "as_of_date": "2026-07-24",
        "previous_rebalance_date": "2026-06-28",
        "status": "published" if positions else "empty",
        "reason": None if positions else "every portfolio is empty",
        "degraded_reason": None,
        "holdings_as_of": "2026-07-24",
        "source": "yahoo",
        "published_at": "2026-07-26T22:00:00Z",
        "is_in_record": True,
        "record_as_of": "2026-08-21",
        "positions": list(positions),
        "removed": [],
        **changes,
    }


def calendar(last_run: dict[str, Any] | None = None, coming: Sequence[str] = ()) -> dict[str, Any]:
    def published(*days: str) -> list[dict[str, Any]]:
        return [{"as_of_date": day, "is_degraded": False, "is_computable": True} for day in days]

    return {
        "sessions": published("2026-08-19", "2026-08-20", "2026-08-21"),
        "rebalances": published("2026-06-28", "2026-07-26"),
        "last_run": last_run,
        "coming_sessions": list(coming),
    }


def returns(five: float | None, ten: float | None, twenty: float | None, month: float | None) -> dict[str, Any]:
    """Build the returns over all windows. That of one session is a tenth of that of ten."""
    one = None if ten is None else ten / 10
    return {"return_1d": one, "return_5d": five, "return_10d": ten, "return_20d": twenty, "return_month": month}


def by_window(window: str, *reasons: Reason) -> dict[str, Any]:
    """Build what is said of the return over a window."""
    return {window: msgspec.to_builtins(shown(reasons))}


def standing(ticker: str, market_cap: int | None, twenty: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "sector": None,
        "sector_source": "yahoo",
        "trade_date": "2026-08-21",
        "currency": "USD",
        "close_price": 123.4,
        "rate_date": "2026-08-21",
        "price_change_percent": 1.0,
        "market_cap": market_cap,
        "market_cap_source": "shares_x_close",
        **{f"start_cap_{window}": market_cap for window in WINDOWS},
        "missing_reason": [NO_PRICE] if twenty is None else None,
        "missing_by_window": by_window("20d", NO_PRICE) if twenty is None else {},
        "degraded_reason": None,
        "degraded_by_window": {},
        "source": "yahoo",
        **returns(0.01, -0.02, twenty, 0.04),
        **changes,
    }


def sector(name: str | None, twenty: float | None, *stocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Build a sector. Stocks without a return or a market cap do not count."""
    uncounted = {
        window: [each["ticker"] for each in stocks if each[f"return_{window}"] is None or not each["market_cap"]]
        for window in WINDOWS
    }
    return {
        "sector": name,
        "left_out": uncounted,
        "absent_reason": None,
        "newest_month": None,
        "stock_count": len(stocks),
        "market_cap": sum(stock["market_cap"] or 0 for stock in stocks) or None,
        "stocks": [{**stock, "sector": name} for stock in stocks],
        **returns(0.01, 0.02, twenty, 0.04),
        **changes,
    }


def sector_month(gain: float, **changes: Any) -> dict[str, Any]:
    return {
        "year": 2026,
        "month": 8,
        "as_of_date": "2026-08-20",
        "sector": "Technology",
        "stock_count": 3,
        "avg_monthly_return": gain,
        "benchmark_return": 0.01,
        "volatility": 0.01,
        "positive_days": 8,
        "trading_days": 14,
        "best_day": 0.02,
        "worst_day": -0.02,
        "is_trending": gain > 0.01,
        "degraded_reason": None,
        "holdings_as_of": "2026-08-20",
        "holdings_known_later": False,
        "source": "yahoo",
        **changes,
    }


def market_map(*sectors: dict[str, Any]) -> dict[str, Any]:
    day = "2026-08-21" if sectors else None
    return {"as_of_date": day, "absent_reason": None, "sectors": list(sectors)}


def etf(ticker: str, twenty: float | None, ahead: float | None, **changes: Any) -> dict[str, Any]:
    """Build an ETF that trends over 10 and 20 sessions when it is ahead."""
    is_ahead = ahead is not None and ahead > 0
    return {
        "ticker": ticker,
        "etf_type": "benchmark",
        "sector_name": None,
        "description": f"what {ticker} follows",
        "is_benchmark": ticker == "SPY",
        "trade_date": "2026-08-21",
        "price_change_percent": 1.0,
        "rank_by_outperformance": None,
        "currency": "USD",
        "close_price": 100.5,
        **{f"outperformance_{window}": ahead for window in WINDOWS},
        "is_trending_5d": False,
        "is_trending_10d": is_ahead,
        "is_trending_20d": is_ahead,
        "missing_reason": None,
        "missing_by_window": {},
        "degraded_by_window": {},
        "source": "yahoo",
        **returns(0.01, 0.02, twenty, 0.04),
        **changes,
    }


def etf_benchmark(sessions: list[str], *etfs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Build a comparison of ETFs. Without own closes, they rise by one a session from 100."""
    closes = [100.0 + place for place in range(len(sessions))]
    return {
        "as_of_date": sessions[-1] if sessions else None,
        "status": "published",
        "reason": None,
        "degraded_reason": None,
        "benchmark": "SPY",
        "sessions": sessions,
        "etfs": [{"adj_closes": closes, "breaks": [], **each} for each in etfs],
        **changes,
    }


def bar(day: str, close: float, **changes: Any) -> Any:
    return {
        "trade_date": day,
        "open_price": close - 1,
        "high_price": close + 2,
        "low_price": close - 2,
        "close_price": close,
        "adj_close": close / 2,
        "volume": 1_000_000,
        "price_change_percent": 1.0,
        "dividend": 0.0,
        "capital_gain": 0.0,
        "split_ratio": 1.0,
        "market_cap": 75_130_000_000,
        "market_cap_source": "shares_x_close",
        "source": "yahoo",
        "fetched_at": "2026-08-21T21:30:00Z",
        **changes,
    }


def part(total: int) -> dict[str, Any]:
    """Build what the first part of a list says of the whole."""
    return {"total": total, "limit": 100, "offset": 0, "next": None}


def history(ticker: str, *bars: dict[str, Any], **changes: Any) -> dict[str, Any]:
    windows = [
        ("5d", "2026-08-14", 0.05, 0.02),
        ("20d", "2026-07-24", None, 0.03),
        ("month", "2026-07-31", -0.01, 0.01),
    ]
    return {
        **part(2),
        "ticker": ticker,
        "quote_type": "EQUITY",
        "currency": "USD",
        "company_name": f"{ticker} Inc.",
        "sector": "Technology",
        "sector_source": "yahoo",
        "bars": list(bars or [bar("2026-08-20", 100.0), bar("2026-08-21", 101.0)]),
        "benchmark": "SPY",
        "returns": [
            {
                "window": window,
                "start_session": start,
                "end_session": "2026-08-21",
                "period_return": own,
                "benchmark_return": its,
                "missing_reason": None if own is not None else [NO_PRICE],
                "degraded_reason": None,
            }
            for window, start, own, its in windows
        ],
        **changes,
    }


def holder(etf_ticker: str, share: float, rank: int, **changes: Any) -> dict[str, Any]:
    return {
        "etf_ticker": etf_ticker,
        "sector_name": None,
        "source": "yahoo",
        "collected_date": "2026-08-20",
        "holding_rank": rank,
        "holding_percent": share,
        "is_trending_5d": True,
        "is_trending_10d": False,
        "is_trending_20d": True,
        **changes,
    }


def appearance(day: str, days: int | None, weight: float, **changes: Any) -> dict[str, Any]:
    return {
        "as_of_date": day,
        "period_days": days,
        "rebalance_date": None,
        "weight": weight,
        "rank": 2,
        "score": 1.0,
        "source": "yahoo",
        "period_return": 0.0963,
        "source_etfs": ["QQQ", "SPY"],
        "source_periods": None,
        "is_degraded": False,
        "degraded_reason": None,
        "holdings_as_of": "2026-08-20",
        "holdings_known_later": False,
        **changes,
    }


def followed(days: int, **changes: Any) -> dict[str, Any]:
    """Build a followed portfolio's figures, without its series."""
    return {
        "period_days": days,
        "first_session": "2026-08-18",
        "last_session": "2026-08-21",
        "session_count": 3,
        "total_return_gross": 0.0212,
        "total_return_net": 0.0107,
        "benchmark_return": -0.0045,
        "max_drawdown": -0.031,
        "benchmark_max_drawdown": -0.02,
        "turnover_average": 0.1,
        "turnover_total": 0.4,
        "cost_total": 0.0004,
        **dict.fromkeys(("cagr", "volatility", "sharpe", "sortino", "calmar", "beta")),
        "not_annualised_reason": "too few sessions",
        "hindsight_sessions": 0,
        "degraded_sessions": 0,
        "carried_sessions": 0,
        "carried_weight": 0.0,
        "carried_reason": None,
        "source": "yahoo",
        **{name: [] for name in ("sessions", "gross", "net", "benchmark", "drawdown", "benchmark_drawdown")},
        **{name: [] for name in ("turnover", "position_count", "known_net", "known_benchmark")},
        **changes,
    }


def summary(record: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Build what a portfolio's page tells first. Before the session it held the same two stocks alike."""
    return {
        "as_of_date": "2026-08-21",
        "period_days": 20,
        "previous_session": "2026-08-20",
        "previous_weights": {"NEM": 0.5, "MU": 0.5},
        "benchmark": "SPY",
        "record": record,
        **changes,
    }


def performance(*portfolios: Any) -> dict[str, Any]:
    return {
        "as_of_date": "2026-08-21",
        "benchmark": "SPY",
        "cost_rate": 0.001,
        "annualised_from_sessions": 60,
        "status": "published",
        "reason": None,
        "source": "yahoo",
        "portfolios": list(portfolios),
    }


DIGEST = "0123456789abcdef" * 4


def version(position: int, **changes: Any) -> dict[str, Any]:
    """Build the version of a collected row, of a message that the source's answer is kept of."""
    return {
        "chain": "collected_daily_stock_history",
        "position": position,
        "known_at": "2026-08-24T13:00:00Z",
        "digest": "ab" * 32,
        "kafka": {"topic": "stock-daily-data", "partition": 1, "offset": position},
        "answer_digest": DIGEST,
        **changes,
    }


def price_row(ticker: str, day: str, adj_close: float, **changes: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "trade_date": day,
        "currency": "USD",
        "adj_close": adj_close,
        "close_price": adj_close,
        "shares_outstanding": 1_000_000_000,
        "market_cap": round(adj_close * 1_000_000_000),
        "market_cap_source": "shares_x_close",
        "quote_digest": None,
        "source": "yahoo",
        "fetched_at": "2026-08-24T12:59:00Z",
        "version": version(7),
        "rate": None,
        **changes,
    }


def rate_row(ticker: str, day: str, close_price: float, **changes: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "trade_date": day,
        "close_price": close_price,
        "source": "yahoo",
        "fetched_at": "2026-08-24T12:59:00Z",
        "version": version(8),
        **changes,
    }


def ends(start: Any, end: Any) -> dict[str, Any]:
    """Build both ends of the window of 20 sessions."""
    return {"start_session": "2026-07-24", "end_session": "2026-08-21", "start": start, "end": end}


def monthly_weight_evidence(ticker: str, /, **changes: Any) -> dict[str, Any]:
    """Build what the weight of one of two positions of a month follows from: it was in two portfolios."""
    daily = weight_evidence(ticker)
    merged = {"publication": daily["publication"], "position_rank": 1}
    position = {"ticker": ticker, "final_rank": 1, "final_weight": 0.75, "score": 1.5, "source_periods": [10, 20]}
    other = {"ticker": "NEM", "final_rank": 20, "final_weight": 0.25, "score": 0.5, "source_periods": [10]}
    return {
        "rebalance_date": "2026-08-30",
        "as_of_date": "2026-08-28",
        "ticker": ticker,
        "weight": 0.75,
        "source": "yahoo",
        "steps": ["final_weight = score / score_sum"],
        "score_sum": 2.0,
        "publication": {**daily["publication"], "position": 3, "job": "rebalance"},
        "revisions": [{**daily["revisions"][0], "position": 3, "weight": 0.75}],
        "portfolios": [
            {**merged, "period_days": 5, "weight": None, "position_rank": None},
            {**merged, "period_days": 10, "weight": 0.4},
            {**merged, "period_days": 20, "weight": 0.6},
        ],
        "positions": [position, other],
        **changes,
    }


def weight_evidence(ticker: str, /, **changes: Any) -> dict[str, Any]:
    """Build what the only weight of a portfolio follows from: a foreign stock that one ETF chose."""
    start = price_row(ticker, "2026-07-24", 70_000.0, currency="KRW", rate=rate_row("KRW=X", "2026-07-24", 1400.0))
    end = price_row(ticker, "2026-08-21", 77_000.0, currency="KRW", rate=rate_row("KRW=X", "2026-08-20", 1400.0))
    known = {"known_at": "2026-08-24T13:03:00Z", "digest": "cd" * 32, "chain": "publications"}
    publication = {
        **known,
        "position": 2,
        "job": "allocation",
        "revision": 1,
        "previous": "ef" * 32,
        "body_digest": "01" * 32,
        "input_digest": None,
        "universe": None,
        "code_version": "0.2.0",
        "watermark": {"collected_daily_stock_history": 8, "publications": 1},
    }
    market_cap = 55_000_000_000
    return {
        "as_of_date": "2026-08-21",
        "period_days": 20,
        "ticker": ticker,
        "weight": 1.0,
        "formula": {
            "steps": ["score = period_return / market_cap"],
            "max_position_weight": 1.0,
            "score_sum": 0.1 / market_cap,
            "cash_weight": 0.0,
        },
        "publication": publication,
        "trending": {**publication, "position": 1, "job": "trending"},
        "revisions": [{**known, "position": 2, "revision": 1, "weight": 1.0}],
        "benchmark": {"ticker": "SPY", **ends(price_row("SPY", "2026-07-24", 600.0), None)},
        "etfs": [
            {
                **ends(price_row("EWY", "2026-07-24", 60.0), price_row("EWY", "2026-08-21", 66.0)),
                "etf_ticker": "EWY",
                "period_return": 0.1,
                "benchmark_return": 0.02,
                "outperformance": 0.08,
                "is_trending": True,
                "holdings": [
                    {
                        "stock_ticker": ticker,
                        "stock_name": "Samsung Electronics",
                        "holding_rank": 1,
                        "holding_percent": 0.22,
                        "collected_date": "2026-08-20",
                        "source": "yahoo",
                        "fetched_at": "2026-08-20T21:00:00Z",
                        "version": version(3, chain="collected_etf_holdings", kafka=None, answer_digest=None),
                    }
                ],
                "candidates": [
                    candidate("EWY", ticker, 1, None),
                    candidate("EWY", "000660.KS", 2, "return of -3.21 % is not positive"),
                ],
            }
        ],
        "positions": [
            {
                **ends(start, end),
                "ticker": ticker,
                "position_rank": 1,
                "portfolio_weight": 1.0,
                "score": 0.1 / market_cap,
                "period_return": 0.1,
                "market_cap": market_cap,
                "source_etfs": ["EWY"],
            }
        ],
        **changes,
    }
