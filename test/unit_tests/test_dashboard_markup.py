"""What of a view is sent as HTML, and that it says there what the components said."""

from html.parser import HTMLParser
from typing import Any

import pytest
from dash import Dash, dcc, html

import dashboard_samples as samples
from dashboard import dashboard_finviz_app, first_view, markup
from dashboard.callback_requests import UPDATE


def written(part: Any, *live: str) -> Any:
    return markup.written(part, frozenset(live))


def test_a_part_with_elements_becomes_one_component_with_its_own_attributes() -> None:
    part = html.Section([html.H2("Weights"), html.P(["MU ", html.Strong("70.00%")])], className="panel", id="why")
    found = written(part)
    assert isinstance(found, markup.Html)
    assert (found.tag, found.attributes) == ("section", {"className": "panel", "id": "why"})
    assert found.content == "<h2>Weights</h2><p>MU <strong>70.00%</strong></p>"


def test_what_is_one_component_anyway_stays() -> None:
    part = html.P("nothing in it")
    assert written([part, "text", None]) == [part, "text", None]


@pytest.mark.parametrize(
    "live",
    [
        html.Div(id="runs"),
        html.Button("CSV", id={"export": "ibkr"}),
        dcc.Input(id="ticker-search"),
    ],
)
def test_what_a_callback_uses_stays_and_its_neighbours_do_not(live: Any) -> None:
    beside = html.Dl([html.Dt("Cash"), html.Dd("0.00%")])
    found = written(html.Section([beside, html.Div([live, html.P("after")])]), "runs")
    assert isinstance(found, html.Section)
    assert found.children[0].content == "<dt>Cash</dt><dd>0.00%</dd>"
    assert found.children[1].children[0] is live


def test_texts_and_attributes_cannot_become_elements() -> None:
    part = html.P([html.Span('<script>alert(1)</script> & "more"', title='"><img src=x onerror=alert(1)>')])
    content = written(part).content
    found: list[tuple[str, Any]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            found.append((tag, dict(attrs)))

        def handle_data(self, data: str) -> None:
            found.append(("", data))

    reader = Reader()
    reader.feed(content)
    reader.close()
    assert found[0] == ("span", {"title": '"><img src=x onerror=alert(1)>'})
    assert "".join(text for tag, text in found if not tag) == '<script>alert(1)</script> & "more"'


def test_attributes_have_htmls_names_and_those_without_a_value_are_left_out() -> None:
    named: dict[str, Any] = {"data-day": "2026-08-21", "aria-label": "of both"}
    row = html.Tr(
        [
            html.Td(html.Time("now", dateTime="2026-08-21"), colSpan=2, hidden=True),
            html.Td(html.Img(src="data:,", alt=""), title=None, tabIndex=0, hidden=False),
            html.Td(["1", html.Br(), 2.5], **named),
        ]
    )
    assert written(row).content == (
        '<td colspan="2" hidden=""><time datetime="2026-08-21">now</time></td>'
        '<td tabindex="0"><img alt="" src="data:,"></td>'
        '<td aria-label="of both" data-day="2026-08-21">1<br>2.5</td>'
    )


def test_links_lead_to_views_without_a_new_page_unless_they_ask_for_one() -> None:
    part = html.Nav([dcc.Link("Map", href="/map?a=1&b=2"), dcc.Link("Blue", href="/preferences", refresh=True)])
    assert written(part).content == ('<a data-view="" href="/map?a=1&amp;b=2">Map</a><a href="/preferences">Blue</a>')


def test_the_view_is_few_components_and_says_the_same() -> None:
    shown = samples.portfolio(samples.position(1, "NEM", 0.6), samples.position(2, "MU", 0.4))
    api = samples.Api(
        {
            "/dashboard/active-allocations": samples.allocations(shown),
            "/dashboard/calendar": samples.calendar(),
            "/dashboard/summary": samples.summary(samples.followed(20)),
        }
    )
    app = dashboard_finviz_app.create_app(api.client, samples.PERIODS)
    live = markup.live_ids(app)
    assert {"address", "view", "runs", "runs-clock", "session-picker", "market-map"} <= live
    before, after = samples.drawn(api), written(samples.drawn(api), *live)
    assert len(list(samples.parts(after))) * 4 < len(list(samples.parts(before)))
    told = " ".join(" ".join(getattr(each, "content", "") for each in samples.parts(after)).split())
    assert "<strong>60.00%</strong>" in told and 'data-view=""' in told


def test_what_is_live_is_looked_up_once_by_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Dash] = []
    live_ids = markup.live_ids

    def counted(app: Dash) -> frozenset[str]:
        looked_up.append(app)
        return live_ids(app)

    monkeypatch.setattr(markup, "live_ids", counted)
    browser = dashboard_finviz_app.create_app(samples.Api({}).client, samples.PERIODS).server.test_client()
    asked: Any = first_view.REQUEST
    inputs = [{**part, "value": value} for part, value in zip(asked["inputs"], ("/nowhere", ""), strict=True)]
    for _ in range(2):
        assert browser.post(UPDATE, json={**asked, "inputs": inputs}).status_code == 200
    assert len(looked_up) == 1
