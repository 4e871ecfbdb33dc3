"""Which sessions are suspected of having been none, and how a day is added from the command line."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from collector import closed_days
from collector.closed_days import Suspect, suspects
from config import exchange_days
from utils.dates import sessions_of

DAY = date(2026, 8, 19)  # a Wednesday, a session in New York and in Seoul
LATER = datetime(2026, 8, 25, 21, tzinfo=UTC)


def around(*tickers: str, there: tuple[str, ...] = (), after: bool = True, day: date = DAY) -> list[dict[str, Any]]:
    return [
        {"day": day, "ticker": ticker, "is_before": True, "is_there": ticker in there, "is_after": after}
        for ticker in tickers
    ]


def lacking(*tickers: str, asked_at: datetime | None = LATER, day: date = DAY) -> list[dict[str, Any]]:
    return [{"trade_date": day, "ticker": ticker, "asked_at": asked_at} for ticker in tickers]


SEOUL, NEW_YORK = ("000660.KS", "005930.KS"), ("IWM", "QQQ", "SPY")


class TestDecision:
    def test_nobody_has_a_bar_and_all_have_the_neighbours(self) -> None:
        assert suspects(lacking(*SEOUL), around(*SEOUL, *NEW_YORK, there=NEW_YORK)) == [Suspect("XKRX", DAY, SEOUL)]

    def test_new_york_can_be_closed_like_any_other(self) -> None:
        found = suspects(lacking(*NEW_YORK), around(*NEW_YORK, *SEOUL, there=SEOUL))
        assert found == [Suspect("XNYS", DAY, NEW_YORK)]

    def test_one_bar_proves_that_it_was_open(self) -> None:
        assert suspects(lacking("000660.KS"), around(*SEOUL, there=("005930.KS",))) == []

    def test_a_ticker_that_nobody_expected_testifies_as_well(self) -> None:
        assert suspects(lacking("000660.KS"), around(*SEOUL)) == [Suspect("XKRX", DAY, SEOUL)]

    def test_the_only_ticker_of_an_exchange_is_enough(self) -> None:
        assert suspects(lacking("7203.T"), around("7203.T")) == [Suspect("XTKS", DAY, ("7203.T",))]

    def test_one_of_several_is_not(self) -> None:
        """The other two have no later bar, so that nothing is known about them yet."""
        rows = [*around("SPY"), *around("IWM", "QQQ", after=False)]
        assert suspects(lacking("SPY", "IWM", "QQQ", asked_at=None), rows) == []

    @pytest.mark.parametrize(
        ("asked_at", "is_suspected"),
        [
            (None, False),
            (datetime(2026, 8, 20, 6, 49, tzinfo=UTC), False),  # Seoul closes at 06:30 and is told 20 minutes later
            (datetime(2026, 8, 20, 6, 50, tzinfo=UTC), True),
        ],
    )
    def test_without_later_bars_the_next_session_has_to_be_over(
        self, asked_at: datetime | None, is_suspected: bool
    ) -> None:
        found = suspects(lacking(*SEOUL, asked_at=asked_at), around(*SEOUL, after=False))
        assert bool(found) is is_suspected

    def test_a_day_that_is_no_session_is_none_to_suspect(self) -> None:
        day = date(2026, 6, 3)
        assert suspects(lacking(*SEOUL, day=day), around(*SEOUL, day=day)) == []

    def test_unknown_exchanges_say_nothing(self) -> None:
        assert suspects(lacking("VNM.VN"), around("VNM.VN", *SEOUL)) == []

    def test_each_day_and_exchange_by_itself_in_order(self) -> None:
        other = date(2026, 8, 20)
        found = suspects(
            [*lacking(*SEOUL, day=other), *lacking(*SEOUL), *lacking("RY.TO", "TD.TO")],
            [*around(*SEOUL, day=other), *around(*SEOUL, "RY.TO", "TD.TO")],
        )
        assert [(each.day, each.exchange) for each in found] == [(DAY, "XKRX"), (DAY, "XTSE"), (other, "XKRX")]


class TestAdding:
    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        file = tmp_path / "days.csv"
        file.write_text("exchange,date,status,reason\n")
        monkeypatch.setenv("EXCHANGE_DAYS_FILE", str(file))
        self.forget()
        yield file
        self.forget()

    @staticmethod
    def forget() -> None:
        exchange_days.extra_days.cache_clear()
        sessions_of.cache_clear()

    def test_a_closed_day(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert closed_days.main(["--add", "XNYS", "2026-08-19", "day of mourning"]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"XNYS is closed on 2026-08-19 (day of mourning): added to {file}\n")
        assert "./start.sh restart airflow-scheduler api alerts\n" in said
        self.forget()
        assert DAY not in sessions_of().days

    def test_an_open_day(self) -> None:
        assert closed_days.main(["--open", "--add", "XBOM", "2026-02-01", "budget"]) == 0
        self.forget()
        assert date(2026, 2, 1) in sessions_of("XBOM").days

    def test_a_day_beyond_the_calendar_can_be_added(self, file: Path) -> None:
        assert closed_days.main(["--add", "XKRX", "2031-05-01", "far ahead"]) == 0
        assert "XKRX,2031-05-01,closed,far ahead\n" in file.read_text()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                ["--add", "XSEO", "2026-08-19", "x"],
                "'XSEO' is no exchange of config/exchanges.toml: take one of ASEX, ",
            ),
            (["--add", "XKRX", "2026-08-17", "x"], "2026-08-17 (Monday) is no session of XKRX already"),
            (["--open", "--add", "XKRX", "2026-08-19", "x"], "2026-08-19 (Wednesday) is a session of XKRX already"),
            (["--add", "XKRX", "19.8.2026", "x"], "'19.8.2026' is not a date"),
            (["--add", "XKRX", "2026-08-19", " "], "must say a reason, in one line"),
            (["--open"], "name it with --add"),
        ],
    )
    def test_what_cannot_be_is_one_sentence(
        self, file: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert closed_days.main(arguments) == 2
        assert said in capsys.readouterr().err
        assert file.read_text() == "exchange,date,status,reason\n"

    def test_twice_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        """By the file where the calendar this process has read does not know it yet."""
        assert closed_days.main(["--add", "XKRX", "2026-08-19", "election"]) == 0
        assert closed_days.main(["--add", "XKRX", "2026-08-19", "election"]) == 2
        assert "says already that XKRX is closed on 2026-08-19 (election)" in capsys.readouterr().err

    def test_a_file_that_cannot_be_written_names_the_line_to_add(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refuse(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("os.replace", refuse)
        assert closed_days.main(["--add", "XKRX", "2026-08-19", "election"]) == 2
        said = capsys.readouterr().err
        assert "Permission denied" in said and "add the line XKRX,2026-08-19,closed,election" in said
