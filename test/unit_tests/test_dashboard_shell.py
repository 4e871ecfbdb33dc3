"""What every view shares: addresses, preferences, messages in place of data, downloads, and the server."""

import csv
import io
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any

import httpx
import msgspec
import pytest

import dashboard.texts
import dashboard_samples as samples
from config.config import ConfigError, Settings
from contract.reasons import shown
from dashboard import callbacks, components, dashboard_finviz_app, downloads, first_view
from dashboard.address import Address
from dashboard.dashboard_finviz_app import create_app
from dashboard.page import Page
from dashboard.texts import Language, Text, common
from dashboard.views import VIEWS, view_of
from utils.errors import InvalidInput
from utils.reasons import reason

ASSETS = Path(dashboard_finviz_app.__file__).parent / "assets"
TEXTS = [
    (module.stem, text)
    for module in sorted(Path(dashboard.texts.__file__).parent.glob("*.py"))
    for value in vars(__import__(f"dashboard.texts.{module.stem}", fromlist=["_"])).values()
    for text in (value.values() if isinstance(value, dict) else [value])
    if isinstance(text, Text)
]


@pytest.fixture
def server() -> Any:
    """Build the dashboard's web server on an API with one portfolio."""
    shown = samples.portfolio(samples.position(1, "NEM", 0.6), samples.position(2, "=MU", 0.4))
    api = samples.Api(
        {
            "/dashboard/active-allocations": samples.allocations(shown),
            "/dashboard/calendar": samples.calendar(),
            "/dashboard/summary": samples.summary(samples.followed(20)),
        }
    )
    return dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()


def test_the_first_view_is_asked_for_as_dash_asks_for_it(server: Any) -> None:
    asked: Any = first_view.REQUEST
    inputs = [{**part, "value": value} for part, value in zip(asked["inputs"], ("/", ""), strict=True)]
    answer = server.post("/_dash-update-component", json={**asked, "inputs": inputs})
    assert answer.status_code == 200 and answer.json["response"]["view"]["data-shows"] == "/"
    page = server.get("/").get_data(as_text=True)
    assert f"<script>{dashboard_finviz_app.SCRIPT}</script>" in page


# ── banners ──


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_long_reason_can_be_folded_and_a_short_one_stands_there(language: Language) -> None:
    page, long = samples.page(language=language), "no bar of XLB; " * 20
    [short] = components.banners(page, source="yahoo", degraded_reason="no bar of XLB")
    assert short.children == common.DEGRADED.in_(language, reason="no bar of XLB")
    [folded] = components.banners(page, source="yahoo", degraded_reason=long)
    summary, whole = folded.children.children
    assert summary.children == common.DEGRADED_AT_ALL.in_(language)
    assert whole.children == f"N{long[1:]}."


# ── addresses ──


@pytest.mark.parametrize(
    ("pathname", "search", "address"),
    [
        (None, None, Address()),
        ("/", "", Address()),
        ("/", "?period=10&as_of=2026-08-21", Address("/", "", {"period": "10", "as_of": "2026-08-21"})),
        ("/?", "?period=5&period=10", Address("/?", "", {"period": "10"})),
        ("/ticker/BRK-B", "?range=1y", Address("/ticker", "BRK-B", {"range": "1y"})),
        ("/ticker/KRW%3DX", "", Address("/ticker", "KRW=X")),
    ],
)
def test_an_address_is_read(pathname: str | None, search: str | None, address: Address) -> None:
    assert Address.of(pathname, search) == address


def test_an_address_is_written_as_it_was_read() -> None:
    for written in ("/", "/?period=10&as_of=2026-08-21", "/ticker/KRW%3DX?range=1y"):
        path, _, search = written.partition("?")
        assert Address.of(path, search).href() == written


def test_choices_are_checked() -> None:
    address = Address("/", choices={"period": "7", "as_of": "2026-08-21", "since": ""})
    with pytest.raises(InvalidInput, match="sector=X: choose one of Energy"):
        Address.of("/map", "?sector=X").choice("sector", ["", "Energy"], "")
    with pytest.raises(InvalidInput, match="period=7: choose one of 5, 10"):
        address.choice("period", ["5", "10"], "5")
    assert address.choice("window", ["5d"], "5d") == "5d"
    assert (address.day("as_of"), address.day("since"), address.day("until")) == (date(2026, 8, 21), None, None)


# ── languages ──


@pytest.mark.parametrize(("module", "text"), TEXTS, ids=lambda value: getattr(value, "en", value)[:30])
def test_both_languages_say_everything(module: str, text: Text) -> None:
    def fields(sentence: str) -> set[str | None]:
        return {field for _, field, _, _ in Formatter().parse(sentence) if field}

    assert text.en and text.ko
    assert fields(text.en) == fields(text.ko)


@pytest.mark.parametrize(
    ("cookies", "headers", "language", "theme", "colours"),
    [
        ({}, {}, "en", "dark", "blue-orange"),
        ({}, {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}, "ko", "dark", "blue-orange"),
        ({}, {"Accept-Language": "fr"}, "en", "dark", "blue-orange"),
        ({"language": "en"}, {"Accept-Language": "ko"}, "en", "dark", "blue-orange"),
        ({"language": "ko", "theme": "light", "colours": "red-blue"}, {}, "ko", "light", "red-blue"),
        ({"language": "<script>", "theme": "pink", "colours": "pink"}, {}, "en", "dark", "blue-orange"),
    ],
)
def test_the_page_is_in_the_readers_language_and_colours_from_its_first_byte(
    server: Any, cookies: dict[str, str], headers: dict[str, str], language: Language, theme: str, colours: str
) -> None:
    for name, value in cookies.items():
        server.set_cookie(name, value)
    page = server.get("/", headers=headers).get_data(as_text=True)
    assert f'<html lang="{language}" data-theme="{theme}" data-colours="{colours}">' in page


def test_a_preference_is_kept_and_leads_back(server: Any) -> None:
    kept = server.get("/preferences?language=ko&theme=light&colours=green-red&then=/map%3Fwindow%3D5d")
    assert (kept.status_code, kept.location) == (303, "/map?window=5d")
    assert server.get_cookie("language").value == "ko" and server.get_cookie("theme").value == "light"
    assert '<html lang="ko" data-theme="light" data-colours="green-red">' in server.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    "then",
    [
        "https://example.com/",
        "//example.com",
        "/\\example.com",
        "javascript:alert(1)",
        "/\t/example.com",
        "/\n/example.com",
        "\t//example.com",
        "/ /x",
    ],
)
def test_a_preference_leads_nowhere_else(server: Any, then: str) -> None:
    assert server.get("/preferences", query_string={"language": "fr", "then": then}).location == "/"
    assert server.get_cookie("language") is None


# ── in place of data ──


def render(answer: Any, address: str = "/", language: Language = "en") -> str:
    answers = dict.fromkeys(("/dashboard/active-allocations", "/stocks/monthly-portfolio"), answer)
    beside = {"/dashboard/calendar": samples.calendar(), "/dashboard/summary": samples.summary()}
    api = samples.Api(answers | beside)
    shown: str = samples.text_of(callbacks.render(api.client, samples.page(address, language)))
    return shown


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("answer", "title", "action"),
    [
        (httpx.ConnectError("refused"), common.AWAY_TITLE, common.TRY_AGAIN),
        ((503, {"error": "DatabaseUnavailable", "detail": "away"}), common.AWAY_TITLE, common.TRY_AGAIN),
        ((401, {"error": "Unauthorized", "detail": "wrong"}), common.REFUSED_TITLE, common.TRY_AGAIN),
        ((404, {"error": "NotPublished", "detail": "nothing"}), common.NOT_PUBLISHED_TITLE, common.TRY_AGAIN),
        ((404, {"error": "UnknownTicker", "detail": "who"}), common.UNKNOWN_TICKER_TITLE, common.SHOW_NEWEST),
        ((422, {"error": "NotASession", "detail": "a Saturday"}), common.NO_SESSION_TITLE, common.SHOW_NEWEST),
        ({"as_of_date": "2026-08-21"}, common.BROKEN_TITLE, common.TRY_AGAIN),
    ],
)
def test_what_cannot_be_shown_says_what_to_do(answer: Any, title: Text, action: Text, language: Language) -> None:
    shown = render(answer, "/", language)
    assert title.in_(language) in shown and action.in_(language) in shown
    assert "Traceback" not in shown and "KeyError" not in shown


def test_an_unpublished_session_leads_to_the_newest_one() -> None:
    nothing = (404, {"error": "NotPublished", "detail": "no portfolio of 2026-08-19 is published"})
    assert common.SHOW_NEWEST.en in render(nothing, "/?as_of=2026-08-19")
    assert common.SHOW_NEWEST.en not in render(nothing, "/")


@pytest.mark.parametrize(
    ("answer", "address", "hint"),
    [
        ((422, {"error": "NotASession", "detail": "a Saturday"}), "/?as_of=2026-08-22", common.NO_SESSION_HINT),
        ((422, {"error": "InvalidParameter", "detail": "no"}), "/?period=5", common.BAD_ADDRESS_HINT),
        ((200, {}), "/?period=7", common.BAD_ADDRESS_HINT),
        ((200, {}), "/?session=2026-08-20", common.BAD_ADDRESS_HINT),
        ((404, {"error": "NotPublished", "detail": "none"}), "/?period=20", common.NOT_PUBLISHED_HINT),
        ((404, {"error": "NotPublished", "detail": "none"}), "/?period=monthly", common.NO_REBALANCE_HINT),
    ],
)
def test_the_hint_fits_what_happened(answer: Any, address: str, hint: Text) -> None:
    hints = {
        each.en
        for each in (
            common.NO_SESSION_HINT,
            common.BAD_ADDRESS_HINT,
            common.NOT_PUBLISHED_HINT,
            common.NO_REBALANCE_HINT,
        )
    }
    shown = render(answer, address)
    assert {each for each in hints if each in shown} == {hint.en}


SATURDAY = reason(
    "not_a_session",
    **{"day": "2026-08-22", "weekday": reason("weekday_5"), "exchange": "XNYS"},
    **{"before": "2026-08-21", "after": "2026-08-24"},
)


@pytest.mark.parametrize(
    ("answer", "address", "told"),
    [
        ({}, "/?period=7", "Period=7: 5, 10, 20, monthly 중에서 고르세요"),
        ({}, "/?as_of=yesterday", "'yesterday'은(는) 날짜가 아닙니다: 2026-08-21처럼 YYYY-MM-DD로 쓰세요"),
        ({}, "/nowhere", "/nowhere 화면은 없습니다: /, /trades, "),
        (
            (422, {"error": "NotASession", "detail": str(SATURDAY), "reasons": shown([SATURDAY])}),
            "/?as_of=2026-08-22",
            "2026-08-22(토요일)은 XNYS 거래일이 아닙니다: 가까운 거래일은 2026-08-21과 2026-08-24입니다",
        ),
        ((404, {"error": "NotPublished", "detail": "only English"}), "/", "Only English"),
    ],
)
def test_what_happened_is_told_in_korean_where_it_is_known_as_data(answer: Any, address: str, told: str) -> None:
    assert told in render(msgspec.to_builtins(answer), address, "ko")


@pytest.mark.parametrize("address", ["/nowhere", "/?period=7"])
def test_a_page_in_place_of_data_has_a_heading(address: str) -> None:
    drawn = callbacks.render(samples.Api({}).client, samples.page(address))
    assert [type(each).__name__ for each in samples.parts(drawn) if type(each).__name__ in ("H1", "H2")] == ["H1"]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/?period=10&as_of=2026-08-20", "?period=10&as_of=2026-08-20"),
        ("/map?window=5d&as_of=2026-08-20&sector=Energy", "?as_of=2026-08-20"),
        ("/?period=monthly&as_of=2026-07-26", "?period=monthly"),
        ("/", ""),
    ],
)
def test_another_view_is_of_the_same_session(address: str, kept: str) -> None:
    links = samples.links(callbacks.header(samples.page(address)))
    assert links["Performance"] == f"/performance{kept}"


def test_the_first_byte_has_the_shapes_of_a_page(server: Any) -> None:
    page = server.get("/").get_data(as_text=True)
    assert page.count('class="bone') == 3 and "Loading..." not in page


def test_an_unknown_view_names_those_there_are() -> None:
    assert "There is no view /portfolios: choose one of /" in render({}, "/portfolios")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_header_leads_to_every_view_and_to_the_other_language_and_colours(language: Language) -> None:
    page: Page = samples.page("/?period=5", language, "light")
    links = samples.links(callbacks.header(page))
    for view in VIEWS:
        assert not view.is_listed or links[view.name.in_(language)] == f"{view.path}?period=5"
    assert links[common.OTHER_LANGUAGE.in_(language)].endswith("&then=%2F%3Fperiod%3D5")
    assert "theme=dark" in links[common.DARK.in_(language)]


# ── downloads ──


def test_a_table_is_downloaded_with_all_digits(server: Any) -> None:
    answer = server.get("/download/portfolio.csv?period=20")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [(row["ticker"], row["portfolio_weight"], row["source_etfs"]) for row in rows] == [
        ("NEM", "0.6", "XLB DIA"),
        ("'=MU", "0.4", "XLB DIA"),
    ]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/download/portfolio.csv?period=7", 422, "choose one of 5, 10, 20, monthly"),
        ("/download/portfolio.csv?date=2026-08-20", 422, "date is nothing that a view lets choose: as_of, band, "),
        ("/download/secrets.csv", 422, "has no table secrets; it has portfolio"),
        ("/download/portfolio.csv?path=/nowhere", 422, "there is no view /nowhere"),
        ("/download/month.csv?period=monthly", 404, "no /stocks/monthly-portfolio"),
    ],
)
def test_what_cannot_be_downloaded_is_told_in_a_sentence(server: Any, path: str, status: int, told: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert told in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("path", "name", "begins"),
    [
        ("/", "portfolio", "position_rank,ticker,"),
        ("/", "candidates", "etf_ticker,ticker,"),
        ("/", "month", "final_rank,ticker,"),
        ("/map", "stocks", "return_1d,return_5d,"),
        ("/map", "etfs", "return_1d,return_5d,"),
        ("/ticker", "prices", "ticker,currency,trade_date,"),
        ("/ticker", "record", "as_of_date,period_days,"),
        ("/performance", "performance", "trade_date,gross_value,"),
        ("/lab", "lab", "name,is_seed,"),
    ],
)
def test_a_table_without_rows_has_its_columns(path: str, name: str, begins: str) -> None:
    written = downloads.as_csv([], view_of(Address(path)).tables[name].columns)
    assert written.startswith(begins) and written.count("\r\n") == 1
    assert "reasons" not in written, "reasons are in words alone"


def test_an_empty_portfolio_is_downloaded_with_its_columns() -> None:
    empty = samples.Api({"/dashboard/active-allocations": samples.allocations(samples.portfolio())})
    answer = create_app(empty.client, samples.PERIODS).server.test_client().get("/download/portfolio.csv")
    assert answer.get_data(as_text=True).startswith("position_rank,ticker,company_name,sector,portfolio_weight,")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(first: str) -> None:
    written = downloads.as_csv([{"name": f"{first}1+1", "all": [f"{first}1+1"]}], ["name", "all"])
    assert list(csv.reader(io.StringIO(written, newline="")))[1] == [f"'{first}1+1"] * 2


# ── server ──


def test_page_loads_nothing_from_elsewhere(server: Any) -> None:
    html = server.get("/").get_data(as_text=True)
    assert "http://" not in html and "https://" not in html
    assert "finviz.css" in html
    assert not [path for path in ASSETS.iterdir() if "http" in path.read_text(encoding="utf-8")]


def test_address_and_port_come_from_the_environment() -> None:
    assert dashboard_finviz_app.address({}) == ("127.0.0.1", 8050)
    assert dashboard_finviz_app.address({"DASHBOARD_HOST": "0.0.0.0", "DASHBOARD_PORT": "28050"}) == ("0.0.0.0", 28050)
    with pytest.raises(ConfigError, match="DASHBOARD_PORT"):
        dashboard_finviz_app.address({"DASHBOARD_PORT": "http"})


def test_no_key_no_dashboard() -> None:
    with pytest.raises(ConfigError, match="API_KEY"):
        dashboard_finviz_app.serve(Settings.from_env({}), "127.0.0.1", 1)
