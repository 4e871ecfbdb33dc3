"""Settings and universe: what the environment and the file may say, and how a mistake is named."""

from pathlib import Path

import pytest

from config.config import ConfigError, Settings, Topic
from config.universe import ALL_HOLDINGS, DEFAULT_FILE, load, universe_file
from config.universe_csv import UniverseError

# The ETFs that the platform began with. Those of config/universe.toml are the user's to change.
SEED_FILE = universe_file()


def test_the_environment_overrides_the_defaults() -> None:
    settings = Settings.from_env({"DB_PORT": "6543", "YAHOO_BASE_URL": "http://127.0.0.1:8090/", "API_KEY": "k"})

    assert settings.database.port == 6543
    assert settings.yahoo.base_url == "http://127.0.0.1:8090"
    assert settings.yahoo.pace_seconds == 5.0
    assert settings.schedule == "staggered"


def test_hosts_are_names_with_spaces_or_commas_between() -> None:
    web = Settings.from_env({"ACTSTOCK_HOSTS": "api Stocks.example.org,other"}).web
    assert sorted(web.hosts) == ["api", "other", "stocks.example.org"]
    assert not Settings.from_env({}).web.hosts
    inside = Settings.from_env({"ACTSTOCK_HOSTS": "other", "ACTSTOCK_NAME_INSIDE": "dashboard"}).web
    assert (sorted(inside.hosts), sorted(inside.names)) == (["other"], ["dashboard", "other"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PORT", "postgres"),
        ("YAHOO_PACE_SECONDS", "-1"),
        ("YAHOO_PACE_SECONDS", "inf"),
        ("PIPELINE_SCHEDULE", "hourly"),
        ("HISTORY_SESSIONS", "20"),
        ("KAFKA_PARTITIONS", "0"),
        ("ALERT_PROBES", "api"),
        ("ACTSTOCK_HOSTS", "stocks.example.org:8050"),
        ("ACTSTOCK_HOSTS", "https://stocks.example.org"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Settings.from_env({name: value})


def test_secrets_are_not_shown() -> None:
    names = ("DB_PASSWORD", "API_KEY", "KAFKA_PASSWORD", "SPARK_SECRET", "SPARK_DRIVER_TOKEN", "DASHBOARD_PASSWORD")
    shown = repr(Settings.from_env({name: f"sesame-{name}" for name in names}))

    assert "sesame" not in shown


def test_a_topic_names_its_group() -> None:
    assert [topic.consumer_group for topic in Topic] == ["etf-daily", "etf-holdings", "stock-daily"]


def test_the_universe_of_the_seed() -> None:
    universe = load(SEED_FILE)

    assert universe.periods == (5, 10, 20)
    assert universe.group("benchmark") == ("SPY", "QQQ", "IWM", "EWY", "DIA", "SCHD")
    assert len(universe.group("sector")) == 10
    assert len(universe.etfs) == 15, "QQQ stands in both lists and counts once"
    assert len(universe.candidates) == 14
    assert "SPY" not in universe.candidates
    assert universe.sectors["QQQ"] == "Technology"
    assert universe.etf_type("QQQ") == "benchmark+sector"


def test_the_universe_of_this_folder_has_the_seeds_etfs() -> None:
    assert set(load(SEED_FILE).etfs) <= set(load(DEFAULT_FILE).etfs)


@pytest.mark.parametrize(
    ("line", "replacement", "message"),
    [
        ('benchmark = "SPY"', 'benchmark = "VTI"', "VTI"),
        ("periods = [5, 10, 20]", "periods = []", "periods"),
        ("periods = [5, 10, 20]", "periods = [5, 0]", r"periods must be .* 5, 10, 20, each once, not \[5, 0\]"),
        ("periods = [5, 10, 20]", "periods = [5, 5]", r"periods must be .* not \[5, 5\]"),
        ("periods = [5, 10, 20]", "periods = [true, 5]", r"periods must be .* not \[True, 5\]"),
        ("periods = [5, 10, 20]", "periods = [5, 10, 60]", r"periods must be .* not \[5, 10, 60\]"),
        ("periods = [5, 10, 20]", "periods = [5.0]", r"periods must be .* not \[5.0\]"),
        ("periods = [5, 10, 20]", 'periods = ["20", 5]', r"periods must be .* not \['20', 5\]"),
        ("periods = [5, 10, 20]", "periods = 20", "periods must be .* not 20"),
        ("top_holdings = 5", 'top_holdings = "most"', "top_holdings"),
        ("max_position_weight = 1.0", "max_position_weight = 0", "max_position_weight"),
        ("max_position_weight = 1.0", "max_position_weight = true", "max_position_weight must be .* not True"),
        ("max_position_weight = 1.0", "max_position_weight = nan", "max_position_weight must be .* not nan"),
        ("max_position_weight = 1.0", 'max_position_weight = "10%"', "max_position_weight must be .* not '10%'"),
        ("max_position_weight", "max_positon_weight", "'max_positon_weight': did you mean max_position_weight"),
        ("cost_rate = 0.0010", "cost_rate = 10", "cost_rate"),
        ("cost_rate = 0.0010", 'cost_rate = "0.1 %"', "cost_rate must be .* not '0.1 %'"),
        ("cost_rate = 0.0010", "cost_rate = [0.001]", r"cost_rate must be .* not \[0.001\]"),
        ("cost_rate = 0.0010", f"cost_rate = {'9' * 5000}", "cannot be read"),
        ("SPY = 503", 'etfs = "mine.csv"', r"\[fund_sizes\]: etfs is a setting and no ticker: write it above"),
        ('benchmark = "SPY"', 'benchmark = "SPY"\netf = "mine.csv"', "no key is called 'etf': did you mean etfs"),
        ('benchmark = "SPY"', 'benchmark = ["SPY"]', r"benchmark must be a text, not \['SPY'\]"),
        ('benchmark = "SPY"', 'benchmark = "SPY"\netfs = 5', "etfs must be a text, not 5"),
        ('SPY = "S&P 500"', '069500.KS = "KODEX 200"', r'\[benchmarks\]: write "069500.KS" in quotes'),
        ('SPY = "S&P 500"', "SPY = 5", r"\[benchmarks\]: SPY: 5 is no name"),
        ('SPY = "S&P 500"', 'SPY = ""', "SPY: '' is no name"),
        ('SPY = "S&P 500"', 'SPY = "a\\u0000b"', "is no name"),
        ('SPY = "S&P 500"', f'SPY = "{"x" * 201}"', "at most 200 characters"),
        ('XLF = "Financial"', 'XLF = "Tecnology"', r"\[sectors\]: XLF: 'Tecnology' is not the beginning .* Technology"),
        ('XLF = "Financial"', "XLF = 1", "XLF: 1 is not the beginning"),
        ("SPY = 503", 'SPY = "503"', r"\[fund_sizes\]: SPY: fund_size '503' is no count"),
        ("SPY = 503", "SPY = true", "fund_size True is no count"),
        ("SPY = 503", "SPY = -1", "fund_size -1 is no count"),
        ("[sectors]", "[[sectors]]", r"sectors must be a table: write \[sectors\] on a line of its own"),
        ("top_holdings = 5", "", "top_holdings"),
        ("[sectors]", "[sectors", "cannot be read"),
    ],
)
def test_a_wrong_universe_is_refused(tmp_path: Path, line: str, replacement: str, message: str) -> None:
    file = tmp_path / "universe.toml"
    text = SEED_FILE.read_text(encoding="utf-8")
    assert line in text
    file.write_text(text.replace(line, replacement), encoding="utf-8")

    with pytest.raises(UniverseError, match=message):
        load(file)


def test_every_wrong_line_of_the_tables_is_named(tmp_path: Path) -> None:
    file = tmp_path / "universe.toml"
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    file.write_text(text.replace("Russell 2000", "").replace("MSCI South Korea", ""), encoding="utf-8")

    with pytest.raises(UniverseError) as caught:
        load(file)

    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["IWM", "EWY"]


def test_a_setting_below_a_tables_name_is_not_called_missing(tmp_path: Path) -> None:
    file = tmp_path / "universe.toml"
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    file.write_text(text.replace("cost_rate = 0.0010", "") + "cost_rate = 0.002\n", encoding="utf-8")

    with pytest.raises(UniverseError, match=r"\[fund_sizes\]: cost_rate is a setting and no ticker: write it above"):
        load(file)


def test_a_korean_etf_in_quotes_is_one(tmp_path: Path) -> None:
    file = tmp_path / "universe.toml"
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    file.write_text(text.replace("[sectors]", '"069500.KS" = "KODEX 200"\n[sectors]', 1), encoding="utf-8")

    assert load(file).description("069500.KS") == "KODEX 200"


SETTINGS = """benchmark = "SPY"
periods = [5, 10, 20]
top_holdings = "all"
max_position_weight = 1.0
cost_rate = 0.0010
etfs = "lists/mine.csv"
"""


def universe_of(folder: Path, lines: str, settings: str = SETTINGS) -> Path:
    """Write a universe file that names a CSV in a folder beside it."""
    (folder / "lists").mkdir(exist_ok=True)
    (folder / "lists" / "mine.csv").write_text(lines, encoding="utf-8")
    file = folder / "universe.toml"
    file.write_text(settings, encoding="utf-8")
    return file


def test_a_universe_may_name_a_csv(tmp_path: Path) -> None:
    lines = (
        "ticker,name,sector,group,fund_size\n"
        "SPY,S&P 500,,,503\n"
        "SOXX,Semiconductors,Technology,,\n"
        'QQQ,"Nasdaq, the largest 100",Technology,benchmark+sector,101\n'
        "EWY,South Korea,Financial,benchmark,\n"
    )

    universe = load(universe_of(tmp_path, lines))

    assert universe.group("benchmark") == ("SPY", "QQQ", "EWY"), "no sector: stage 1"
    assert universe.group("sector") == ("SOXX", "QQQ")
    assert universe.benchmarks["QQQ"] == "Nasdaq, the largest 100"
    assert universe.sector_of_stocks("SOXX") == "Technology"
    assert universe.fund_sizes == {"SPY": 503, "QQQ": 101}
    assert universe.top_holdings == ALL_HOLDINGS


def test_the_etfs_of_both_files_count(tmp_path: Path) -> None:
    settings = SETTINGS + '[benchmarks]\nSPY = "S&P 500"\n'

    universe = load(universe_of(tmp_path, "ticker,name\nDIA,Dow Jones\n", settings))

    assert universe.benchmarks == {"SPY": "S&P 500", "DIA": "Dow Jones"}
    assert universe.sectors == {}


def test_every_bad_line_gets_a_sentence(tmp_path: Path) -> None:
    lines = (
        "ticker,name,sector,group,fund_size\n"
        "SPY,S&P 500,,,\n"
        "spy,small letters,,,\n"
        "SPY,once more,,,\n"
        "A,,,,\n"
        "B,Bees,Honey,,\n"
        "C,Seas,,sector,\n"
        "D,Dees,,index,\n"
        "E,Ease,,,many\n"
        "F,comma, in the name,,,\n"
        "VN30.VN,Vietnam,,,\n"
    )

    with pytest.raises(UniverseError) as caught:
        load(universe_of(tmp_path, lines))

    problems = str(caught.value).splitlines()
    assert [problem.split(": ")[0].rpartition(" ")[2] for problem in problems] == [*"3456789", "10", "11"]
    assert all(problem.startswith(f"{tmp_path}/lists/mine.csv, line ") for problem in problems)
    assert problems[0].endswith("'spy' is no ticker: write Yahoo's symbol in capitals, at most 20 characters")
    assert "SPY is in line 2 already" in problems[1]
    assert "'' is no name" in problems[2]
    assert "Technology" in problems[3], "the sentence lists Yahoo's sectors"
    assert "of the group sector and has no sector" in problems[4]
    assert "'index' is unknown" in problems[5]
    assert "'many' is no count" in problems[6]
    assert "double quotes" in problems[7]
    assert ".VN is not in config/exchanges.toml" in problems[8]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("symbol,name\nSPY,x\n", "line 1: the column ticker is missing"),
        ("ticker,name,weight\nSPY,x,1\n", "line 1: the column 'weight' is unknown"),
        ('ticker,name\nSPY,"x\n', "cannot be read as a CSV"),
        ("ticker,name\nDIA,x\n", "benchmark 'SPY' is in neither"),
        ("ticker,name\nBRK/B,x\n", "'BRK/B' is no ticker"),
        ("", "line 1: the column ticker is missing"),
        ("ticker,name,name\nSPY,x,y\n", "line 1: a column is there twice"),
        ('ticker,name\nSPY,"a\nb"\n', r"line 3: SPY: 'a\\nb' is no name"),
        ("ticker,name,fund_size\nSPY,x," + "9" * 5000 + "\n", "line 2: SPY: fund_size .* is no count"),
        ("ticker,name,fund_size\nSPY,x,²\n", "line 2: SPY: fund_size '²' is no count"),
        ("ticker,name\nSPY," + "x" * 200_000, "cannot be read as a CSV: field larger"),
        ("ticker,name\n" + 25 * "?,x\n", "5 more lines"),
    ],
)
def test_a_wrong_csv_is_refused(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(UniverseError, match=message):
        load(universe_of(tmp_path, lines))


def test_a_ticker_with_a_slash_is_refused_in_the_universe_file_too(tmp_path: Path) -> None:
    settings = SETTINGS + '[benchmarks]\nSPY = "S&P 500"\n"A/B" = "a fund"\n'

    with pytest.raises(UniverseError, match=r"universe\.toml, \[benchmarks\]: 'A/B' is no ticker"):
        load(universe_of(tmp_path, "ticker,name\n", settings))


def test_a_csv_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = universe_of(tmp_path, "")
    (tmp_path / "lists" / "mine.csv").unlink()

    with pytest.raises(UniverseError, match=r"mine\.csv: cannot be read"):
        load(file)


def test_an_etf_in_both_files_is_named(tmp_path: Path) -> None:
    settings = SETTINGS + '[benchmarks]\nSPY = "S&P 500"\n'

    with pytest.raises(UniverseError, match="line 2: SPY is in the universe file already"):
        load(universe_of(tmp_path, "ticker,name\nSPY,S&P 500\n", settings))


def test_the_csv_of_the_repository_is_a_template() -> None:
    text = DEFAULT_FILE.with_suffix(".csv").read_text(encoding="utf-8")

    assert text == "ticker,name,sector,group,fund_size\n"


@pytest.mark.parametrize("key", ["한글키", "clé", "a\tkey"])
def test_a_key_that_no_request_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^API_KEY: give English letters, digits") as told:
        Settings.from_env({"API_KEY": key})
    assert key not in str(told.value)
    assert Settings.from_env({"API_KEY": "a key: of my own"}).api_key == "a key: of my own"
