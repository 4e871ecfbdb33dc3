"""One weight of a month down to its source: the score, and the daily portfolios that were merged."""

from datetime import date

from dash import dcc

from config.periods import MONTHLY
from contract.evidence import MergedPortfolio, MonthlyWeightEvidence, PublicationLink
from dashboard import components
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent
from dashboard.texts import common, evidence
from dashboard.texts import month as texts
from dashboard.views import evidence_links


def page(client: ApiClient, page: Page, ticker: str, rebalance_date: date, revision: int | None) -> list[Component]:
    shown = client.monthly_weight_evidence(rebalance_date, ticker, revision)
    say = page.say
    return [
        *components.banners(page, source=shown.source),
        components.heading(
            say(evidence.MONTH_HEADING, ticker=ticker, weight=percent(shown.weight), day=page.day(rebalance_date)),
            *evidence_links.revision_selector(shown.revisions, shown.publication, page),
            dcc.Link(say(evidence.BACK), href=f"/?period={MONTHLY}&as_of={rebalance_date}", className="button small"),
        ),
        components.facts(
            (say(texts.SESSION), page.day(shown.as_of_date)),
            (say(common.WEIGHT), percent(shown.weight)),
            *evidence_links.facts(shown.revisions, shown.publication, page),
        ),
        components.panel(say(evidence.FORMULA), _formula(shown, page)),
        components.panel(say(evidence.MERGED), _merged(shown, page)),
        components.panel(say(evidence.POSITIONS, count=len(shown.positions)), _positions(shown, page)),
        evidence_links.publications([shown.publication, *_read(shown)], page),
    ]


def _formula(shown: MonthlyWeightEvidence, page: Page) -> Component:
    own = next(each for each in shown.positions if each.ticker == shown.ticker)
    share = f"{own.score:.10g} ÷ {shown.score_sum:.10g} = {own.score / shown.score_sum:.8%}"
    lines = [
        (page.say(texts.SOURCE_PERIODS), " ".join(components.periods(own.source_periods, page))),
        (page.say(texts.SCORE), f"{own.score:.10g}"),
        (page.say(evidence.FORMULA_WEIGHT), share),
    ]
    return evidence_links.formula(lines)


def _merged(shown: MonthlyWeightEvidence, page: Page) -> Component:
    say = page.say
    columns = [
        (say(evidence.MERGED_PORTFOLIO), ""),
        (say(common.RANK), "number soft"),
        (say(common.WEIGHT), "number"),
        (say(evidence.REVISION), "number"),
    ]
    rows = [
        (
            _to_weight(each, shown, page),
            each.position_rank or "–",
            percent(each.weight) if each.weight is not None else "–",
            each.publication.revision if each.publication else say(evidence.NOT_KEPT),
        )
        for each in shown.portfolios
    ]
    return components.table("merged", columns, rows)


def _to_weight(merged: MergedPortfolio, shown: MonthlyWeightEvidence, page: Page) -> Component:
    """Lead to what the weight of a merged portfolio rests on, in the revision that was read."""
    name = page.say(common.DAYS, days=merged.period_days)
    if merged.weight is None or merged.publication is None:
        return name
    revision = merged.publication.revision
    there = evidence_links.of_weight(shown.ticker, merged.period_days, shown.as_of_date, revision)
    return dcc.Link(name, href=there)


def _positions(shown: MonthlyWeightEvidence, page: Page) -> Component:
    say = page.say
    columns = [
        (say(common.RANK), "number soft"),
        (say(common.TICKER), ""),
        (say(texts.SOURCE_PERIODS), ""),
        (say(texts.SCORE), "number"),
        (say(common.WEIGHT), "number"),
    ]
    rows: list[tuple[Component, ...]] = [
        (
            each.final_rank,
            components.ticker_link(each.ticker, page),
            " ".join(components.periods(each.source_periods, page)),
            f"{each.score:.1f}",
            percent(each.final_weight),
        )
        for each in shown.positions
    ]
    rows.append(("", say(evidence.SUM), "", f"{shown.score_sum:.1f}", ""))
    return components.table("scores", columns, rows)


def _read(shown: MonthlyWeightEvidence) -> list[PublicationLink]:
    return [each.publication for each in shown.portfolios[:1] if each.publication]
