"""The short form of `./start.sh bench members`, with real consumers at a real broker."""

from pathlib import Path

import pytest

from config.config import Settings
from ops.bench import members
from utils.errors import BrokerUnavailable, DatabaseUnavailable


def test_consumers_come_and_go_while_messages_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost or kept twice, no process ends, and each member has its share."""
    try:
        targets = members.measure(Settings.from_env(), members.SHORT, tmp_path)
    except (BrokerUnavailable, DatabaseUnavailable) as error:
        pytest.skip(str(error))
    told = capsys.readouterr().out
    said = (tmp_path / "bench-members.log").read_text(encoding="utf-8")
    assert {target.name: target.figure for target in targets} == {
        "messages lost": 0,
        "bars kept twice": 0,
        "consumers that ended by themselves": 0,
        "members without a partition": 0,
    }, told + said
    assert "kept twice" in told
    assert said.count(" reading etf-daily-data as") == 1 + 2 * members.SHORT.rounds, "pids: one that stays, two a round"
