"""Where a ticker trades and when: the table of suffixes, the calendars behind it, and the days they do not know."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest

from config import exchange_days, exchanges
from config.exchange_days import ExchangeDaysError, ExtraDay
from config.exchanges import ExchangesError
from config.universe import DEFAULT_FILE as UNIVERSE
from config.universe import load
from config.universe_csv import UniverseError
from utils import dates
from utils.dates import (
    close_of,
    delay_of,
    exchange_of,
    exchanges_using,
    expected_days,
    find_exchange,
    session_at,
    sessions_between,
    sessions_of,
    time_zone_of,
    window_of,
)
from utils.errors import UnknownExchange

NAMES = sorted(exchanges.exchanges().names())
# Closed on a weekday that is no day of Christmas or New Year, each from the exchange's own list of holidays.
HOLIDAYS = {
    "ASEX": ["2024-03-25", "2015-07-01"],  # Independence Day; closed for five weeks of 2015
    "BVMF": ["2024-02-12", "2024-11-15"],
    "XAMS": ["2024-03-29", "2024-05-01"],
    "XASX": ["2024-01-26", "2024-04-25"],
    "XBKK": ["2024-04-15", "2024-12-05"],
    "XBOM": ["2024-01-26", "2024-08-15", "2024-01-22"],
    "XBRU": ["2024-03-29", "2024-05-01"],
    "XBSE": ["2024-05-03", "2024-06-24"],
    "XCSE": ["2024-06-05", "2024-05-09"],
    "XETR": ["2024-03-29", "2024-05-01"],
    "XHKG": ["2024-07-01", "2024-02-12", "2023-09-01", "2023-09-08"],
    "XIST": ["2024-04-23", "2024-10-29"],
    "XJSE": ["2024-08-09", "2024-09-24", "2024-05-29"],
    "XKRX": ["2024-04-10", "2024-10-01", "2025-06-03", "2026-06-03", "2026-07-17"],
    "XLON": ["2024-05-06", "2022-09-19"],
    "XMEX": ["2024-09-16", "2024-03-18"],
    "XMIL": ["2024-08-15", "2024-05-01"],
    "XMOS": ["2024-05-09", "2024-06-12"],
    "XNYS": ["2024-06-19", "2025-01-09", "2012-10-29", "2001-09-11"],
    "XNZE": ["2024-02-06", "2024-06-28"],
    "XOSL": ["2024-05-17", "2024-03-28"],
    "XPAR": ["2024-03-29", "2024-05-01"],
    "XSAU": ["2024-09-23", "2024-02-22"],
    "XSES": ["2024-08-09", "2024-05-22"],
    "XSHG": ["2024-10-01", "2024-02-12"],
    "XSTO": ["2024-06-06", "2024-06-21"],
    "XSWX": ["2024-08-01", "2024-05-20"],
    "XTAE": ["2024-10-03", "2024-05-14"],
    "XTAI": ["2024-02-28", "2024-10-10"],
    "XTKS": ["2024-02-12", "2024-08-12", "2019-05-01"],
    "XTSE": ["2024-07-01", "2024-10-14"],
    "XWAR": ["2024-05-03", "2024-11-11"],
}
# On a Saturday or Sunday, as the exchange had announced.
WEEKEND_SESSIONS = {
    "XBOM": ["2024-01-20", "2025-02-01"],
    "XMOS": ["2018-04-28", "2018-12-29", "2024-04-27", "2024-11-02", "2024-12-28"],
}
FEWER_SESSIONS = {("ASEX", 2015): 223}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestTable:
    def test_every_exchange_is_a_calendar_of_the_package(self) -> None:
        assert set(NAMES) <= set(exchange_calendars.get_calendar_names(include_aliases=False))
        assert len(NAMES) > 45

    def test_the_home_exchange_is_that_of_tickers_without_a_suffix(self) -> None:
        assert exchanges.exchanges().by_suffix[exchanges.HOME].exchange == dates.HOME_EXCHANGE

    @pytest.mark.parametrize("suffix", exchanges.exchanges().by_suffix)
    def test_bars_are_dated_by_the_exchanges_own_clock(self, suffix: str) -> None:
        """Summer and winter: two names of one time zone are as good."""
        listing = exchanges.exchanges().by_suffix[suffix]
        if suffix in (exchanges.RATE, ".CL"):  # the package gives Bogota New York's hours, which it keeps
            return
        calendar = exchange_calendars.get_calendar(listing.exchange, start="2026-01-02", end="2026-12-31")
        for moment in (utc("2026-01-15T12:00"), utc("2026-07-15T12:00")):
            assert (
                moment.astimezone(ZoneInfo(listing.time_zone)).utcoffset() == moment.astimezone(calendar.tz).utcoffset()
            )

    @pytest.mark.parametrize(
        ("ticker", "exchange", "zone", "minutes"),
        [
            ("AAPL", "XNYS", "America/New_York", 1),
            ("BRK-B", "XNYS", "America/New_York", 1),
            ("7203.T", "XTKS", "Asia/Tokyo", 20),
            ("VOD.L", "XLON", "Europe/London", 20),
            ("0700.HK", "XHKG", "Asia/Hong_Kong", 15),
            ("RY.TO", "XTSE", "America/Toronto", 15),
            ("BBD-B.TO", "XTSE", "America/Toronto", 15),
            ("SHL.V", "XTSE", "America/Toronto", 15),
            ("MC.PA", "XPAR", "Europe/Paris", 15),
            ("NESN.SW", "XSWX", "Europe/Zurich", 30),
            ("SAP.DE", "XETR", "Europe/Berlin", 15),
            ("ASML.AS", "XAMS", "Europe/Amsterdam", 15),
            ("TEVA.TA", "XTAE", "Asia/Jerusalem", 20),
            ("RELIANCE.NS", "XBOM", "Asia/Kolkata", 15),
            ("PETR4.SA", "BVMF", "America/Sao_Paulo", 15),
            ("BHP.AX", "XASX", "Australia/Sydney", 20),
            ("005930.KS", "XKRX", "Asia/Seoul", 20),
            ("247540.KQ", "XKRX", "Asia/Seoul", 20),
            ("2330.TW", "XTAI", "Asia/Taipei", 20),
            ("6488.TWO", "XTAI", "Asia/Taipei", 20),
            ("2222.SR", "XSAU", "Asia/Riyadh", 15),
            ("JPY=X", "XNYS", "Europe/London", 0),
        ],
    )
    def test_what_a_suffix_says(self, ticker: str, exchange: str, zone: str, minutes: int) -> None:
        assert (exchange_of(ticker), time_zone_of(ticker)) == (exchange, zone)
        assert delay_of(ticker) == timedelta(minutes=minutes)

    @pytest.mark.parametrize("ticker", ["VNM.VN", "QNBK.QA", "BRK.B", "A.", "005930.ks"])
    def test_an_unknown_suffix_is_named_with_what_to_do(self, ticker: str) -> None:
        assert find_exchange(ticker) is None
        assert session_at(ticker, date(2026, 8, 21)) is None
        suffix = "." + ticker.rpartition(".")[2]
        for ask in (exchange_of, time_zone_of, delay_of, exchanges_using):
            with pytest.raises(UnknownExchange) as error:
                ask(ticker)
            assert str(error.value).startswith(f"{ticker}: no exchange is known for the suffix {suffix}: add it to ")

    def test_an_etf_of_an_unknown_exchange_is_refused_in_the_universe(self, tmp_path: Path) -> None:
        file = tmp_path / "universe.toml"
        file.write_text(UNIVERSE.read_text().replace('IWM = "R', '"VN30.VN" = "R'))
        with pytest.raises(
            UniverseError, match=r"universe.toml, .benchmarks.: VN30.VN: its suffix .VN is not in config/exchanges"
        ):
            load(file)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (
                'exchange = "XKRX", time_zone = "Asia/Seoul"',
                'time_zone = "Asia/Seoul"',
                "suffixes..K[SQ].exchange is mis",
            ),
            (
                'time_zone = "Asia/Tokyo"',
                'time_zone = "Asia/Tokio"',
                "suffixes..T.time_zone must be .* not 'Asia/Tokio'",
            ),
            ('currency = "JPY"', 'currency = "yen"', "suffixes..T.currency must be .* not 'yen'"),
            ("delay_minutes = 1\n", "delay_minutes = -1\n", "home.delay_minutes must be 0 to 120 .* not -1"),
            ("delay_minutes = 0\n", "\n", "rates.delay_minutes is missing"),
            ("2021-01-01 }", '"2021" }', "suffixes..SR.calendar_from must be a date"),
            ('".T" =', '"T" =', "suffix 'T' must be a point and capitals"),
            ('".KS" =', '".ks" =', "suffix '.ks' must be a point and capitals"),
            ("[rates]", "[rate]", "rate: no key is called 'rate': did you mean rates"),
            (
                "calendar_from = 2021-01-01",
                "calender_from = 2021-01-01",
                "suffixes..SR.calender_from: .* calendar_from",
            ),
            ("[rates]", '[rates]\ncurrency = "USD"', "rates.currency: no key is called 'currency'"),
            ("[home]", "[home", "cannot be read"),
        ],
    )
    def test_a_mistake_in_the_table_is_named(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        text = exchanges.FILE.read_text(encoding="utf-8")
        assert old in text
        file = tmp_path / "exchanges.toml"
        file.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ExchangesError, match=f"exchanges.toml: {said}"):
            exchanges.load(file)

    def test_an_exchange_without_a_calendar_is_named(self) -> None:
        with pytest.raises(
            ExchangesError, match=r"exchanges.toml: the package exchange_calendars has no exchange 'XKOR'"
        ):
            sessions_of("XKOR")

    def test_a_missing_table_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ExchangesError, match=r"none.toml: cannot be read"):
            exchanges.load(tmp_path / "none.toml")


class TestCalendars:
    @pytest.mark.parametrize("name", NAMES)
    def test_every_one_offered_can_be_built(self, name: str) -> None:
        sessions = sessions_of(name)
        years = Counter(day.year for day in sessions.days)
        whole = {year: years[year] for year in range(2000, 2027)}
        odd = {year: count for year, count in whole.items() if not 230 <= count <= 262}
        assert odd == {year: count for (exchange, year), count in FEWER_SESSIONS.items() if exchange == name}
        assert sessions.days[-1] >= sessions_of().days[-1] - timedelta(days=10), "it goes on as long as the home one"
        assert list(sessions.days) == sorted(set(sessions.days))
        assert list(sessions.closes) == sorted(sessions.closes), "every session ends before the next one does"

    @pytest.mark.parametrize("name", HOLIDAYS)
    def test_known_holidays(self, name: str) -> None:
        days = set(sessions_of(name).days)
        assert [day for day in HOLIDAYS[name] if date.fromisoformat(day) in days] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_sessions_on_a_weekend_are_those_announced(self, name: str) -> None:
        if name == "XSAU":
            assert all(day.weekday() in (6, 0, 1, 2, 3) for day in sessions_of(name).days), "Sunday to Thursday"
            return
        days = {day.isoformat() for day in sessions_of(name).days if day.weekday() > 4}
        assert set(WEEKEND_SESSIONS.get(name, [])) <= days
        assert not days or name in ("XBOM", "XMOS", "XTAE", "BVMF", "XTAI", "XIST")

    @pytest.mark.parametrize("exchange", ["XNYS", "XKRX", "XSHG"])
    def test_a_service_may_run_for_years(self, exchange: str) -> None:
        assert sessions_of(exchange).days[-1] > datetime.now(UTC).date() + timedelta(days=2 * 365)

    def test_an_exchange_that_the_package_does_not_know_yet_goes_on_with_its_week(self) -> None:
        """Shanghai publishes one year at a time. A week of the year after has five sessions."""
        known = exchange_calendars.get_calendar("XSHG", start="2026-01-05").bound_max().date()
        monday = known + timedelta(days=14 - known.weekday())
        week = sessions_between(monday, monday + timedelta(days=6), "XSHG")
        assert [day - monday for day in week] == [timedelta(days=n) for n in range(5)]
        assert close_of(week[0], "XSHG").astimezone(ZoneInfo("Asia/Shanghai")).strftime("%H:%M") == "15:00"

    def test_history_reaches_back_to_2000(self) -> None:
        assert sessions_of().days[0] == date(2000, 1, 3)
        assert window_of(date(2001, 9, 17), 1) == (date(2001, 9, 10), date(2001, 9, 17))
        assert window_of(date(2008, 10, 10), 20)[0] == date(2008, 9, 12)

    def test_a_rate_is_expected_on_the_sessions_of_its_currency(self) -> None:
        assert exchanges_using("JPY=X") == {"XTKS"}
        assert exchanges_using("GBP=X") == {"XLON"}
        assert {"XPAR", "XETR", "XMIL", "XHEL", "ASEX", "XDUB"} <= exchanges_using("EUR=X")
        assert not exchanges_using("EUR=X") & {"XLON", "XSWX", "XSTO", "XNYS"}
        assert expected_days("JPY=X", date(2026, 5, 1), date(2026, 5, 8)) == [
            date(2026, 5, 1),
            date(2026, 5, 7),
            date(2026, 5, 8),
        ], "Golden Week"

    def test_no_rate_is_expected_on_a_weekend(self) -> None:
        """Riyadh trades from Sunday to Thursday."""
        thursday, monday = date(2026, 8, 13), date(2026, 8, 17)
        assert [day.day for day in expected_days("2222.SR", thursday, monday)] == [13, 16, 17]
        assert [day.day for day in expected_days("SAR=X", thursday, monday)] == [13, 17]

    def test_a_rate_loads_no_calendar_of_another_currency(self) -> None:
        sessions_of.cache_clear()
        expected_days("KRW=X", date(2026, 8, 14), date(2026, 8, 18))
        assert sessions_of.cache_info().currsize <= 2, "Korea's, and the home one for how far it reaches"


class TestExtraDays:
    @pytest.mark.parametrize(
        "day", ["2026-06-03", "2026-07-17", "2027-05-03", "2027-07-19", "2028-07-17", "2029-07-17"]
    )
    def test_days_that_the_package_takes_for_sessions(self, day: str) -> None:
        assert date.fromisoformat(day) not in sessions_of("XKRX").days

    @pytest.mark.parametrize(
        ("as_of", "days", "start", "end"),
        [
            ("2026-06-03", 1, "2026-06-01", "2026-06-02"),  # the day itself: the window ends before it
            ("2026-06-04", 1, "2026-06-02", "2026-06-04"),
            ("2026-06-10", 5, "2026-06-02", "2026-06-10"),  # one more day back than the calendar alone would go
            ("2026-07-17", 5, "2026-07-09", "2026-07-16"),
            ("2026-07-20", 1, "2026-07-16", "2026-07-20"),
            ("2026-07-24", 5, "2026-07-16", "2026-07-24"),
            ("2026-08-13", 20, "2026-07-15", "2026-08-13"),
        ],
    )
    def test_windows_of_korean_holdings_leave_them_out(self, as_of: str, days: int, start: str, end: str) -> None:
        window = window_of(date.fromisoformat(as_of), days, "XKRX")
        assert window == (date.fromisoformat(start), date.fromisoformat(end))
        assert len(sessions_between(*window, "XKRX")) == days + 1

    def test_closed_and_open_days_are_merged(self, with_days: "WithDays") -> None:
        with_days(
            "XNYS,2026-08-19,closed,day of mourning\n"
            "XNYS,2026-08-22,open,a Saturday\n"
            "XNYS,2026-07-04,closed,known already\n"
            "XNYS,2026-08-21,open,a session already\n"
        )
        assert [day.day for day in sessions_between(date(2026, 8, 17), date(2026, 8, 24))] == [17, 18, 20, 21, 22, 24]
        assert close_of(date(2026, 8, 22)) == utc("2026-08-22T20:00"), "its usual close"
        assert window_of(date(2026, 8, 20), 1) == (date(2026, 8, 18), date(2026, 8, 20))

    def test_an_early_close_stays_early(self, with_days: "WithDays") -> None:
        with_days("XNYS,2026-11-27,open,known already\n")
        assert close_of(date(2026, 11, 27)) == utc("2026-11-27T18:00")

    def test_an_opened_day_ends_as_days_did_then(self, with_days: "WithDays") -> None:
        """Tokyo has closed at 15:30 since 5 November 2024, at 15:00 before."""
        with_days("XTKS,2024-08-12,open,for the test\nXTKS,2025-08-11,open,for the test\n")
        assert close_of(date(2024, 8, 12), "XTKS") == utc("2024-08-12T06:00")
        assert close_of(date(2025, 8, 11), "XTKS") == utc("2025-08-11T06:30")

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ("XKRX,2026-06-03,closed,x\n\nXKRX,2026-06-31,closed,y\n", "line 4: '2026-06-31' is not a date"),
            ("XSEO,2026-06-03,closed,x\n", "line 2: 'XSEO' is no exchange of config/exchanges.toml"),
            ("XKRX,2026-06-03,shut,x\n", "line 2: status must be open or closed, not 'shut'"),
            ("XKRX,2026-06-03,closed, \n", "line 2: must say a reason"),
            ("XKRX,2026-06-03,closed\n", "line 2: has 3 fields, not 4"),
            ("XKRX,2026-06-03,closed,a\nXKRX,2026-06-03,open,b\n", "line 3: XKRX 2026-06-03 stands in line 2 already"),
        ],
    )
    def test_a_mistake_in_the_file_is_named(self, tmp_path: Path, lines: str, said: str) -> None:
        file = tmp_path / "days.csv"
        file.write_text("exchange,date,status,reason\n" + lines)
        with pytest.raises(ExchangeDaysError, match=f"days.csv, {said}"):
            exchange_days.load(file)

    def test_a_wrong_head_and_a_missing_file_are_named(self, tmp_path: Path) -> None:
        file = tmp_path / "days.csv"
        file.write_text("XKRX,2026-06-03,closed,x\n")
        with pytest.raises(ExchangeDaysError, match=r"days.csv, line 1: must be exchange,date,status,reason"):
            exchange_days.load(file)
        with pytest.raises(ExchangeDaysError, match=r"none.csv: cannot be read"):
            exchange_days.load(tmp_path / "none.csv")

    def test_a_file_that_a_spreadsheet_has_saved_is_read_and_kept(self, tmp_path: Path) -> None:
        file = tmp_path / "days.csv"
        file.write_bytes("exchange,date,status,reason\r\nXKRX,2026-06-03,closed,휴장\r\n".encode("utf-8-sig"))
        known = ExtraDay("XKRX", date(2026, 6, 3), False, "휴장")
        assert exchange_days.load(file) == (known,)
        added = ExtraDay("XNYS", date(2026, 8, 19), False, "mourning")
        exchange_days.add(file, added)
        assert exchange_days.load(file) == (known, added)
        assert file.read_bytes().startswith("\ufeffexchange".encode()), "Excel reads the letters by it"

    def test_another_encoding_or_no_csv_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "days.csv"
        file.write_bytes("exchange,date,status,reason\nXKRX,2026-06-03,closed,휴장\n".encode("cp949"))
        with pytest.raises(ExchangeDaysError, match=r"days.csv: this is not UTF-8: save it as CSV UTF-8"):
            exchange_days.load(file)
        file.write_text(f"exchange,date,status,reason\nXKRX,2026-06-03,closed,{'x' * 200_000}\n")
        with pytest.raises(ExchangeDaysError, match=r"days.csv, line 2: cannot be read as CSV: field larger"):
            exchange_days.load(file)

    def test_adding_keeps_every_line_and_quotes_what_must_be(self, tmp_path: Path) -> None:
        file = tmp_path / "days.csv"
        file.write_text("exchange,date,status,reason\n# a note\n")
        file.chmod(0o640)
        added = ExtraDay("XNYS", date(2026, 8, 19), False, 'mourning, "official"')
        exchange_days.add(file, added)
        assert exchange_days.load(file) == (added,)
        assert file.read_text().splitlines()[:2] == ["exchange,date,status,reason", "# a note"]
        assert file.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in tmp_path.iterdir()] == ["days.csv"], "nothing else is left behind"

    def test_adding_twice_or_nonsense_changes_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "days.csv"
        file.write_text("exchange,date,status,reason\nXKRX,2026-06-03,closed,local elections")  # without a line end
        before = file.read_bytes()
        for extra in (
            ExtraDay("XKRX", date(2026, 6, 3), True, "again"),
            ExtraDay("XSEO", date(2026, 6, 4), False, "x"),
            ExtraDay("XKRX", date(2026, 6, 4), False, "two\nlines"),
            ExtraDay("XKRX", date(2026, 6, 4), False, ""),
        ):
            with pytest.raises(ExchangeDaysError):
                exchange_days.add(file, extra)
        assert file.read_bytes() == before
        exchange_days.add(file, ExtraDay("XKRX", date(2026, 6, 4), False, "x"))
        assert len(exchange_days.load(file)) == 2


class WithDays:
    """Puts a file of extra days in the place of the platform's own."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, lines: str) -> None:
        self.file.write_text("exchange,date,status,reason\n" + lines)
        forget()


def forget() -> None:
    for kept in (exchange_days.extra_days, sessions_of):
        kept.cache_clear()


@pytest.fixture
def with_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WithDays]:
    monkeypatch.setenv("EXCHANGE_DAYS_FILE", str(tmp_path / "days.csv"))
    yield WithDays(tmp_path / "days.csv")
    forget()
