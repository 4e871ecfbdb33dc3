"""The views that are looked at and measured, the pictures that are taken of them, and no browser to do it with."""

from pathlib import Path

import httpx
import pytest

from dashboard.views import VIEWS
from ops.errors import CannotInstall, NotRunning, RunFailed, UnknownName
from ops.looking import dashboard_views, screenshots
from ops.looking.browser import start_chromium
from ops.looking.dashboard_views import FIRST, Subjects, views

ADDRESSES = views(Subjects(session="2026-08-21", older_session="2026-07-17", stock="005930.KS", etf="XLK"))


def test_every_view_of_the_dashboard_is_looked_at() -> None:
    paths = {"/" + address.split("?")[0].strip("/").split("/")[0] for address in ADDRESSES.values()}
    assert {view.path for view in VIEWS} <= paths


def test_addresses_name_what_is_there() -> None:
    assert ADDRESSES["portfolio-older"] == "/?period=20&as_of=2026-07-17"
    assert ADDRESSES["ticker-stock"] == "/ticker/005930.KS"
    assert ADDRESSES["evidence"] == "/evidence/005930.KS?period=20&as_of=2026-08-21"
    assert next(iter(ADDRESSES)) == FIRST


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            {"sessions": ["2026-08-20", "2026-08-21"], "stocks": ["NEM", "MU"]},
            Subjects("2026-08-21", "2026-08-20", "NEM", "SPY", 2),
        ),
        ({"sessions": ["2026-08-21"], "stocks": []}, Subjects("2026-08-21", "2026-08-21", "SPY", "SPY", 1)),
    ],
)
def test_subjects_are_those_of_the_api(answers: dict[str, list[str]], expected: Subjects) -> None:
    said = {
        "/dashboard/calendar": {"sessions": [{"as_of_date": day} for day in answers["sessions"]]},
        "/stocks/portfolio": {"positions": [{"ticker": ticker} for ticker in answers["stocks"]]},
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=said[request.url.path]))
    assert dashboard_views.subjects_of("http://api", "key", transport) == expected


def test_nothing_published_and_an_api_away_are_one_sentence() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NotRunning, match="the API at http://api does not answer"):
        dashboard_views.subjects_of("http://api", "key", httpx.MockTransport(away))
    nothing = httpx.MockTransport(lambda _: httpx.Response(404, json={"detail": "run it"}))
    with pytest.raises(RunFailed, match="/dashboard/calendar answers 404"):
        dashboard_views.subjects_of("http://api", "key", nothing)
    empty = httpx.MockTransport(lambda _: httpx.Response(200, json={"sessions": []}))
    with pytest.raises(RunFailed, match="no session is published yet"):
        dashboard_views.subjects_of("http://api", "key", empty)


def test_a_picture_of_every_view_in_every_way() -> None:
    taken = list(screenshots.pictures({"map": "/map", "error": "/?period=7"}))
    assert len(taken) == len({picture.file for picture in taken}) == 2 * 2 * 2 * 2
    assert taken[0].file == "map.en.dark.desktop.png"
    assert [picture.view for picture in taken[:8]] == ["map"] * 8


def test_without_a_browser_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotInstall, match="apt-get install chromium chromium-driver"):
        start_chromium(tmp_path)


def test_only_some_views() -> None:
    assert screenshots.chosen(ADDRESSES, ["map", "error"]) == {"map": "/map", "error": "/?period=7"}
    assert screenshots.chosen(ADDRESSES, []) == ADDRESSES
    with pytest.raises(UnknownName, match="no view is called 'portfolio': did you mean portfolio"):
        screenshots.chosen(ADDRESSES, ["portfolio"])
