"""Who may see the dashboard, by which name, and what it takes for sense."""

import json
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import httpx
import pytest

import dashboard_samples as samples
from config.config import Settings
from dashboard import dashboard_finviz_app, login, preferences, static_files
from dashboard.texts import login as texts
from utils.web_safety import HEADERS, NOTHING, hashes_of

PASSWORD = "a password for tests"
INSIDE = {"ACTSTOCK_BIND": "127.0.0.1", "ACTSTOCK_NAME_INSIDE": "dashboard"}
KEY = "the-key-of-the-api"
UPDATE = "/_dash-update-component"
ADDRESS = [{"id": "address", "property": name, "value": value} for name, value in (("pathname", "/"), ("search", ""))]
SHOW = {
    "output": "..header.children...view.children...view.data-shows..",
    "outputs": [
        {"id": "header", "property": "children"},
        *({"id": "view", "property": p} for p in ("children", "data-shows")),
    ],
    "inputs": ADDRESS,
    "changedPropIds": ["address.pathname"],
}
UPLOAD = "own-positions.value"
EXPORT = {
    "output": "own-file.data",
    "outputs": {"id": "own-file", "property": "data"},
    "inputs": [[{"id": {"export": "orders"}, "property": "n_clicks", "value": 1}]],
    "state": [{"id": "shown-orders", "property": "data", "value": []}],
    "changedPropIds": ['{"export":"orders"}.n_clicks'],
}


KEEP: dict[str, Any] = {
    "output": "..entered.data...owned.data..",
    "outputs": [{"id": name, "property": "data"} for name in ("entered", "owned")],
    "inputs": [
        {"id": "own-show", "property": "n_clicks", "value": 1},
        {"id": "own-cash", "property": "n_submit"},
        {"id": "own-forget", "property": "n_clicks"},
    ],
    "state": [
        {"id": name, "property": "value", "value": value}
        for name, value in (("own-positions", "NVDA 1"), ("own-cash", "5"), ("own-place", "platform"))
    ],
    "changedPropIds": ["own-show.n_clicks"],
}


def build(password: str = "", lock: login.Lock | None = None) -> Any:
    shown = samples.portfolio(samples.position(1, "NEM", 1.0))
    api = samples.Api(
        {
            "/dashboard/active-allocations": samples.allocations(shown),
            "/dashboard/calendar": samples.calendar(),
            "/dashboard/performance": samples.performance(samples.followed(20)),
            "/dashboard/summary": samples.summary(samples.followed(20)),
        }
    )
    return on(api, password, lock)


def on(api: samples.Api, password: str = "", lock: login.Lock | None = None) -> Any:
    lock = login.Lock(password, KEY) if password else lock
    app = dashboard_finviz_app.create_app(api.client, samples.PERIODS, frozenset({"stocks.example.org"}), lock)
    static_files.keep_files(app)
    return app


@pytest.fixture(scope="module")
def open_app() -> Any:
    return build()


@pytest.fixture
def server(open_app: Any) -> Any:
    return open_app.server.test_client()


@pytest.fixture
def closed() -> Any:
    """Build a dashboard with a login, and nobody's failures yet."""
    return build(PASSWORD).server.test_client()


# ── names and headers ──


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8050", 200), ("stocks.example.org", 200), ("192.0.2.7:8050", 200), ("evil.test", 400), ("", 400)],
)
def test_a_page_that_had_its_own_name_lead_here_is_refused(server: Any, host: str, status: int) -> None:
    file = static_files.PLOTLY
    assert [server.get(path, headers={"Host": host}).status_code for path in ("/", "/health", file)] == [status] * 3


def test_every_answer_has_the_headers(server: Any) -> None:
    paths = ("/", "/health", static_files.PLOTLY, "/download/secrets.csv", "/_dash-layout", "/preferences", UPDATE)
    answers = [server.get(path) for path in paths] + [server.get("/", headers={"Host": "evil.test"})]
    assert [each.status_code for each in answers] == [200, 200, 200, 422, 200, 303, 200, 400]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_only_the_pages_own_scripts_run(server: Any) -> None:
    page = server.get("/")
    [rule] = re.findall(r"script-src ([^;]*)", page.headers["Content-Security-Policy"])
    inside = re.findall(
        r"<script(?: id=\"[\w-]+\" type=\"application/javascript\")?>(.*?)</script>", page.text, re.DOTALL
    )
    assert len(inside) > 2
    assert set(rule.split()) == {"'self'", *hashes_of(inside).split()}


def test_what_the_source_has_sent_runs_nothing() -> None:
    api = samples.Api({f"/evidence/answers/{'a' * 64}": {}})
    server = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    answer = server.get(f"/answers/{'a' * 64}")
    assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (200, NOTHING)


# ── nonsense ──


def test_what_dash_sends_is_answered(server: Any) -> None:
    assert server.post(UPDATE, json=SHOW).status_code == 200
    assert server.post(UPDATE, json=EXPORT).status_code == 200


def changed(request: dict[str, Any], **values: Any) -> bytes:
    return json.dumps({**request, **values}).encode()


NONSENSE = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "a number": b"5",
    "a list": b"[]",
    "an empty object": b"{}",
    "deep": b"[" * 100_000,
    "an unknown callback": changed(SHOW, output="view.nothing"),
    "a callback of the browser": changed(SHOW, output="..a.b...c.d.."),
    "a number for a callback": changed(SHOW, output=5),
    "no inputs": changed(SHOW, inputs=[]),
    "inputs of another kind": changed(SHOW, inputs=5),
    "one input less": changed(SHOW, inputs=ADDRESS[:1]),
    "inputs in another order": changed(SHOW, inputs=ADDRESS[::-1]),
    "more state": changed(SHOW, state=ADDRESS),
    "a list for an input": changed(SHOW, inputs=[ADDRESS, ADDRESS]),
    "a number for a path": changed(SHOW, inputs=[{**ADDRESS[0], "value": 5}, ADDRESS[1]]),
    "an object for a query": changed(SHOW, inputs=[ADDRESS[0], {**ADDRESS[1], "value": {"a": []}}]),
    "no outputs": changed(SHOW, outputs=[]),
    "a number for outputs": changed(SHOW, outputs=5),
    "another output": changed(SHOW, outputs=[*SHOW["outputs"][:2], {"id": "view", "property": "x"}]),
    "one output for three": changed(SHOW, outputs=ADDRESS[0]),
    "a change of something else": changed(SHOW, changedPropIds=["nothing.n_clicks"]),
    "a change without a dot": changed(SHOW, changedPropIds=["nothing"]),
    "a number for changes": changed(SHOW, changedPropIds=5),
    "an id of another pattern": changed(EXPORT, inputs=[[{"id": {"x": 1}, "property": "n_clicks", "value": 1}]]),
    "an id that is a text": changed(EXPORT, inputs=[[{"id": "export", "property": "n_clicks", "value": 1}]]),
    "a text for clicks": changed(EXPORT, inputs=[[{"id": {"export": "orders"}, "property": "n_clicks", "value": "x"}]]),
    "a file that there is not": changed(
        EXPORT,
        inputs=[[{"id": {"export": "passwords"}, "property": "n_clicks", "value": 1}]],
        changedPropIds=['{"export":"passwords"}.n_clicks'],
    ),
    "orders that are none": changed(EXPORT, state=[{"id": "shown-orders", "property": "data", "value": [{"a": 1}]}]),
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_and_breaks_nothing(server: Any, body: bytes) -> None:
    answer = server.post(UPDATE, data=body, content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (400, "text/plain"), answer.text


def test_a_file_that_is_no_base64_is_refused(open_app: Any, server: Any) -> None:
    [output] = [name for name in open_app.callback_map if name.startswith(f"{UPLOAD}@")]
    body = {
        "output": output,
        "outputs": {"id": "own-positions", "property": "value"},
        "inputs": [{"id": "own-upload", "property": "contents", "value": "data:text/csv;base64,A"}],
        "changedPropIds": ["own-upload.contents"],
    }
    assert server.post(UPDATE, json=body).status_code == 400


def test_a_request_without_end_is_refused(server: Any) -> None:
    assert server.post(UPDATE, data=b" " * (5 * 2**20), content_type="application/json").status_code == 413


# ── what changes something ──


OWNED = "/stocks/owned-positions"
KEPT = {"positions": "NVDA:1", "cash": 5.0, "saved_at": "2026-08-24T13:03:00Z"}


def test_a_page_of_another_site_keeps_nothing_here() -> None:
    """It can have a browser send a form, which is no JSON. For JSON the browser asks this server first."""
    api = samples.Api({OWNED: KEPT})
    server = on(api).server.test_client()
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        refused = server.post(UPDATE, data=json.dumps(KEEP), content_type=media_type)
        assert refused.status_code == 400
    asked = server.options(UPDATE, headers={"Origin": "http://evil.test", "Access-Control-Request-Method": "POST"})
    assert not [name for name in dict(asked.headers) if name.startswith("Access-Control")]
    assert api.asked == []
    assert server.post(UPDATE, json=KEEP).status_code == 200
    assert api.asked == [OWNED]


def test_what_is_kept_needs_the_password() -> None:
    api = samples.Api({OWNED: KEPT})
    assert on(api, PASSWORD).server.test_client().post(UPDATE, json=KEEP).status_code == 401
    assert api.asked == []


def test_a_place_that_there_is_not_is_refused() -> None:
    api = samples.Api({OWNED: KEPT})
    state = [*KEEP["state"][:2], {**KEEP["state"][2], "value": "elsewhere"}]
    assert on(api).server.test_client().post(UPDATE, json={**KEEP, "state": state}).status_code == 400
    assert api.asked == []


# ── the login ──


@pytest.mark.parametrize(
    ("environ", "host", "password"),
    [
        ({}, "127.0.0.1", ""),
        ({}, "localhost", ""),
        ({}, "0.0.0.0", KEY),
        ({}, "::", KEY),
        ({}, "192.0.2.7", KEY),
        ({"DASHBOARD_PASSWORD": PASSWORD}, "0.0.0.0", PASSWORD),
        ({"DASHBOARD_PASSWORD": PASSWORD}, "127.0.0.1", PASSWORD),
        # In a container, where ACTSTOCK_BIND decides who gets there.
        ({"ACTSTOCK_BIND": "127.0.0.1"}, "0.0.0.0", ""),
        ({"ACTSTOCK_BIND": "0.0.0.0"}, "0.0.0.0", KEY),
        # Behind a proxy on this machine, natively and in a container.
        ({"ACTSTOCK_HOSTS": "stocks.example.org"}, "127.0.0.1", KEY),
        ({"ACTSTOCK_HOSTS": "stocks.example.org", **INSIDE}, "0.0.0.0", KEY),
        ({"ACTSTOCK_HOSTS": "dashboard", **INSIDE}, "0.0.0.0", KEY),
        ({"ACTSTOCK_HOSTS": "dashboard"}, "127.0.0.1", KEY),
        ({"ACTSTOCK_HOSTS": "", **INSIDE}, "0.0.0.0", ""),
    ],
)
def test_whoever_comes_from_beyond_this_machine_logs_in(environ: dict[str, str], host: str, password: str) -> None:
    lock = login.lock_of(Settings.from_env({"API_KEY": KEY, **environ}), host)
    assert (lock.password if lock.asks_everybody else "") == password


# How proxies ask that hand on neither the name nor, some of them, the address for whom they ask.
BY_PROXY = [
    {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "stocks.example.org"},
    {"Forwarded": "for=203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"X-Forwarded-For": "127.0.0.1"},
]
OF_A_PAGE = [
    {"Origin": origin} for origin in ("https://stocks.example.org", "http://203.0.113.7", "null", "http://[::2]")
]
AT_HOME = [
    {},
    *({"Origin": f"http://{name}"} for name in ("127.0.0.1:8050", "localhost:8050", "[::1]:8050", "localhost")),
]


@pytest.fixture
def at_home() -> Any:
    """Build a dashboard that asks nobody who sits at its machine."""
    lock = login.lock_of(Settings.from_env({"API_KEY": KEY}), "127.0.0.1")
    return build(lock=lock).server.test_client()


@pytest.mark.parametrize("headers", AT_HOME)
def test_whoever_sits_at_this_machine_is_not_asked(at_home: Any, headers: dict[str, str]) -> None:
    headers = {"Host": "127.0.0.1:8050", **headers}
    assert at_home.get("/", headers=headers).status_code == 200
    assert at_home.post(UPDATE, json=SHOW, headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [*BY_PROXY, *OF_A_PAGE])
def test_whoever_comes_through_a_proxy_is_asked(at_home: Any, headers: dict[str, str]) -> None:
    headers = {"Host": "127.0.0.1:8050", **headers}
    assert at_home.post(UPDATE, json=SHOW, headers=headers).status_code == 401
    assert at_home.get("/", headers=headers).location == preferences.href("/login", then="/")
    assert at_home.post("/login", data={"password": KEY}, headers=headers).status_code == 303
    assert at_home.post(UPDATE, json=SHOW, headers=headers).status_code == 200


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Return the address of such a dashboard, served as it is to readers."""
    lock = login.lock_of(Settings.from_env({"API_KEY": KEY}), "127.0.0.1")
    server = dashboard_finviz_app.listening(build(lock=lock), "127.0.0.1", 0)
    Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.mark.parametrize(("headers", "status"), [*((headers, 303) for headers in BY_PROXY), ({}, 200)])
def test_the_server_itself_tells_who_comes_through_a_proxy(served: str, headers: dict[str, str], status: int) -> None:
    """A server may take these headers away before any application sees them."""
    assert httpx.get(f"{served}/", headers=headers, trust_env=False).status_code == status


def test_the_proxy_of_the_documents_still_leads_here() -> None:
    browser = build(PASSWORD).server.test_client()
    headers = {"Host": "stocks.example.org", "X-Forwarded-Host": "stocks.example.org", "X-Forwarded-For": "203.0.113.9"}
    own = headers | {"Origin": "https://stocks.example.org"}
    assert browser.post("/login", data={"password": PASSWORD}, headers=own).status_code == 303
    assert browser.get("/", headers=headers).status_code == 200
    assert browser.post(UPDATE, json=SHOW, headers=own).status_code == 200


def test_without_the_password_nothing_is_shown(closed: Any) -> None:
    for path in ("/", "/map?window=5d", "/download/portfolio.csv", f"/answers/{'a' * 64}"):
        answer = closed.get(path)
        assert (answer.status_code, answer.location) == (303, preferences.href("/login", then=path))
    for path in ("/_dash-layout", "/_dash-dependencies"):
        assert closed.get(path).status_code == 401
    assert closed.post(UPDATE, json=SHOW).status_code == 401


def test_what_shows_nothing_needs_no_password(closed: Any) -> None:
    paths = ("/health", "/login", "/_favicon.ico", "/assets/finviz.css", static_files.PLOTLY)
    assert [closed.get(path).status_code for path in paths] == [200] * len(paths)


def test_the_password_opens_and_leads_back(closed: Any) -> None:
    entered = closed.post("/login", data={"password": PASSWORD, "then": "/map?window=5d"})
    assert (entered.status_code, entered.location) == (303, "/map?window=5d")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "actstock_session=" in cookie
    assert PASSWORD not in cookie
    assert closed.get("/").status_code == 200
    assert closed.post(UPDATE, json=SHOW).status_code == 200
    assert closed.post("/logout").location == "/login"
    assert closed.get("/").status_code == 303


@pytest.mark.parametrize("then", ["https://evil.test", "//evil.test", "/\t/evil.test", "/\\evil.test"])
def test_the_login_leads_nowhere_else(closed: Any, then: str) -> None:
    assert 'name="then" value="/"' in closed.get("/login", query_string={"then": then}).text
    assert closed.post("/login", data={"password": PASSWORD, "then": then}).location == "/"


def test_what_comes_back_is_text(closed: Any) -> None:
    assert "<script" not in closed.get("/login", query_string={"then": '/"><script>alert(1)</script>'}).text


@pytest.mark.parametrize("given", ["", "wrong", PASSWORD + "x", PASSWORD.upper(), "비밀번호"])
def test_another_password_is_refused(closed: Any, given: str) -> None:
    refused = closed.post("/login", data={"password": given})
    assert refused.status_code == 401 and texts.WRONG.en in refused.text
    assert closed.get("/").status_code == 303


def test_guesses_are_slowed_down_even_the_right_one(closed: Any) -> None:
    statuses = [closed.post("/login", data={"password": "wrong"}).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    slow = closed.post("/login", data={"password": PASSWORD})
    assert (slow.status_code, slow.headers["Retry-After"]) == (429, "1")
    assert texts.WAIT.en.format(seconds=1) in slow.text


@pytest.mark.parametrize("cookie", ["", "x", "eyJyZWFkZXIiOnRydWV9.aStlAA.forged"])
def test_a_cookie_is_not_made_up(closed: Any, cookie: str) -> None:
    closed.set_cookie("actstock_session", cookie)
    assert closed.get("/").status_code == 303


def test_another_password_ends_the_sessions(closed: Any) -> None:
    closed.post("/login", data={"password": PASSWORD})
    other = build("another password").server.test_client()
    other.set_cookie("actstock_session", closed.get_cookie("actstock_session").value)
    assert other.get("/").status_code == 303


def test_the_login_is_in_the_readers_language(closed: Any) -> None:
    assert texts.HINT.en in closed.get("/login").text
    page = closed.get("/login", headers={"Accept-Language": "ko"}).text
    assert texts.HINT.ko in page and '<html lang="ko"' in page
    [switch] = re.findall(r'href="(/preferences[^"]+)"', page)
    assert closed.get(switch.replace("&amp;", "&")).location == "/login?then=%2F"
    assert texts.HINT.en in closed.get("/login", headers={"Accept-Language": "ko"}).text
