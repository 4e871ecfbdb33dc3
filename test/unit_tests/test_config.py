"""Settings and universe: what the environment and the file may say, and how a mistake is named."""

from pathlib import Path

import pytest

from config.config import ConfigError, Settings, Topic
from config.universe import DEFAULT_FILE, UniverseError, load


def test_the_environment_overrides_the_defaults() -> None:
    settings = Settings.from_env({"DB_PORT": "6543", "YAHOO_BASE_URL": "http://127.0.0.1:8090/", "API_KEY": "k"})

    assert settings.database.port == 6543
    assert settings.yahoo.base_url == "http://127.0.0.1:8090"
    assert settings.yahoo.pace_seconds == 5.0
    assert settings.schedule == "staggered"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PORT", "postgres"),
        ("YAHOO_PACE_SECONDS", "-1"),
        ("YAHOO_PACE_SECONDS", "inf"),
        ("PIPELINE_SCHEDULE", "hourly"),
        ("HISTORY_SESSIONS", "20"),
        ("KAFKA_PARTITIONS", "0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Settings.from_env({name: value})


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings.from_env({"DB_PASSWORD": "hunter2", "API_KEY": "sesame"}))

    assert "hunter2" not in shown
    assert "sesame" not in shown


def test_a_topic_names_its_group() -> None:
    assert [topic.consumer_group for topic in Topic] == ["etf-daily", "etf-holdings", "stock-daily"]


def test_the_universe_of_the_seed() -> None:
    universe = load(DEFAULT_FILE)

    assert universe.periods == (5, 10, 20)
    assert universe.group("benchmark") == ("SPY", "QQQ", "IWM", "EWY", "DIA", "SCHD")
    assert len(universe.group("sector")) == 10
    assert len(universe.etfs) == 15, "QQQ stands in both lists and counts once"
    assert len(universe.candidates) == 14
    assert "SPY" not in universe.candidates
    assert universe.sectors["QQQ"] == "Technology"
    assert universe.etf_type("QQQ") == "benchmark+sector"


@pytest.mark.parametrize(
    ("line", "replacement", "message"),
    [
        ('benchmark = "SPY"', 'benchmark = "VTI"', "VTI"),
        ("periods = [5, 10, 20]", "periods = []", "periods"),
        ("periods = [5, 10, 20]", "periods = [5, 0]", "periods"),
        ("top_holdings = 5", "top_holdings = 11", "top_holdings"),
        ("max_position_weight = 1.0", "max_position_weight = 0", "max_position_weight"),
        ("cost_rate = 0.0010", "cost_rate = 10", "cost_rate"),
        ("top_holdings = 5", "", "top_holdings"),
        ("[sectors]", "[sectors", "cannot be read"),
    ],
)
def test_a_wrong_universe_is_refused(tmp_path: Path, line: str, replacement: str, message: str) -> None:
    file = tmp_path / "universe.toml"
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    assert line in text
    file.write_text(text.replace(line, replacement), encoding="utf-8")

    with pytest.raises(UniverseError, match=message):
        load(file)
