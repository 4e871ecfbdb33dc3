"""What a published weight rests on: the rows as they were read, their versions, and where each of them came from."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contract.common import MarketCapSource, Source
from contract.portfolios import Candidate
from utils.messages import Moment

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, in hexadecimal digits")]


class Link(Struct):
    """One link of a chain of evidence. Each link's digest covers that of the link before."""

    chain: Annotated[
        str,
        Meta(description="publications, or the table of collected rows", examples=["publications"]),
    ]
    position: Annotated[int, Meta(description="1, 2, 3 and so on, without gaps")]
    known_at: Annotated[Moment, Meta(description="When it was added")]
    digest: Digest


class WholeLink(Link):
    """A link with all that its digest covers: SHA-256 of the bytes of previous, of body_digest, and of facts."""

    previous: Annotated[Digest, Meta(description="Of the link before; 64 zeros: it is the first one")]
    body_digest: Digest
    facts: Annotated[str, Meta(description="The chain, the position, the moment, and the facts about it, as one text")]
    body: Annotated[str, Meta(description="The rows that it adds, a line each: body_digest is of these bytes in UTF-8")]


class Heads(Struct):
    heads: Annotated[list[Link], Meta(description="The newest link of each chain, by the chain's name")]


class KafkaAddress(Struct):
    topic: str
    partition: int
    offset: int


class Version(Link):
    """The link that a collected row was added with: the newest one by the publication's watermark."""

    kafka: Annotated[KafkaAddress | None, Meta(description="The message; null: stored before addresses were kept")]
    answer_digest: Annotated[
        Digest | None, Meta(description="Of the source's own answer: see /evidence/answers; null: it was not kept")
    ]


class RateRow(Struct):
    """An exchange rate as it was read."""

    ticker: str
    trade_date: date
    close_price: Annotated[float, Meta(description="Units of the currency per US dollar")]
    source: Source
    fetched_at: Moment
    version: Version


class PriceRow(Struct):
    """A bar as it was read. rate: that of its day, or the last one of the five days before; null of a dollar price."""

    ticker: str
    trade_date: date
    currency: str
    adj_close: Annotated[float, Meta(description="In `currency`, adjusted for splits and dividends")]
    close_price: Annotated[float, Meta(description="In `currency`, adjusted for splits")]
    shares_outstanding: int | None
    market_cap: Annotated[int | None, Meta(description="In `currency`; null of an ETF")]
    market_cap_source: MarketCapSource | None
    quote_digest: Annotated[Digest | None, Meta(description="Of the source's answer that the share count is from")]
    source: Source
    fetched_at: Moment
    version: Version
    rate: RateRow | None


class HoldingRow(Struct):
    """A holding of an ETF's snapshot as it was read."""

    stock_ticker: str
    stock_name: str | None
    holding_rank: int
    holding_percent: float
    collected_date: date
    source: Source
    fetched_at: Moment
    version: Version


class ReturnEvidence(Struct):
    """The bars at both ends of a window. null: no such bar was stored by then."""

    start_session: date
    end_session: date
    start: PriceRow | None
    end: PriceRow | None


class PositionEvidence(ReturnEvidence):
    """A position as published, and the two bars that its score follows from."""

    ticker: str
    position_rank: int
    portfolio_weight: float
    score: float
    period_return: float
    market_cap: Annotated[int, Meta(description="In US dollars")]
    source_etfs: list[str]


class EtfEvidence(ReturnEvidence):
    """Why an ETF trends, what it holds, and what became of each of its largest holdings."""

    etf_ticker: str
    period_return: float | None
    benchmark_return: float | None
    outperformance: float | None
    is_trending: bool
    holdings: Annotated[list[HoldingRow], Meta(description="Those of the snapshot that were looked at, by rank")]
    candidates: Annotated[list[Candidate], Meta(description="Each holding, chosen or not, with the reason")]


class BenchmarkEvidence(ReturnEvidence):
    ticker: str


class Formula(Struct):
    """How the numbers below lead to the weight. Every step is done in double precision."""

    steps: list[str]
    max_position_weight: Annotated[
        float | None, Meta(description="1: no cap; null: not known, the universe's settings were others then")
    ]
    score_sum: Annotated[float, Meta(description="Of all positions of the portfolio")]
    cash_weight: float


class PublicationLink(Link):
    """The link of a publication. previous, body_digest: what its digest is made of, with the facts about it."""

    job: str
    revision: int
    previous: Digest
    body_digest: Digest
    input_digest: Annotated[Digest | None, Meta(description="Of the rows that were read; null: not known")]
    universe: Annotated[
        Digest | None, Meta(description="Of the ETFs and the settings of the strategy; null: not known")
    ]
    code_version: str | None
    watermark: Annotated[
        dict[str, int] | None,
        Meta(
            description="Chain -> position of the newest link that was read; null: it was published before this was "
            "kept, and the versions are those that were known before this link"
        ),
    ]


class WeightRevision(Link):
    """A revision of the portfolio. weight: that of this ticker; null: not in it."""

    revision: int
    weight: float | None


class WeightEvidence(Struct):
    """Everything behind one weight of a daily portfolio, as it was known when the portfolio was computed."""

    as_of_date: date
    period_days: int
    ticker: str
    weight: float
    formula: Formula
    publication: PublicationLink
    trending: Annotated[
        PublicationLink | None, Meta(description="The publication of stage 3 that was read; null: none was kept")
    ]
    revisions: Annotated[list[WeightRevision], Meta(description="All revisions of the portfolio, the first one first")]
    benchmark: BenchmarkEvidence
    etfs: Annotated[list[EtfEvidence], Meta(description="Those that chose the stock")]
    positions: Annotated[list[PositionEvidence], Meta(description="All positions of the portfolio, by rank")]


class MonthlyPositionEvidence(Struct):
    """A position of a monthly portfolio as published."""

    ticker: str
    final_rank: int
    final_weight: float
    score: float
    source_periods: list[int]


class MergedPortfolio(Struct):
    """One of the daily portfolios that were merged. publication: the revision that was read; null: none was kept."""

    period_days: int
    publication: PublicationLink | None
    weight: Annotated[float | None, Meta(description="Of the ticker there; null: not in it")]
    position_rank: int | None


class MonthlyWeightEvidence(Struct):
    """Everything behind one weight of a monthly portfolio, as it was known when it was computed."""

    rebalance_date: date
    as_of_date: Annotated[date, Meta(description="The session whose portfolios were merged")]
    ticker: str
    weight: float
    source: Source
    steps: list[str]
    score_sum: Annotated[float, Meta(description="Of all positions, added up by rank")]
    publication: PublicationLink
    revisions: Annotated[list[WeightRevision], Meta(description="All revisions, the first one first")]
    portfolios: Annotated[
        list[MergedPortfolio], Meta(description="By period; /evidence/weights/... has what is behind each weight")
    ]
    positions: Annotated[list[MonthlyPositionEvidence], Meta(description="All positions of the month, by rank")]
