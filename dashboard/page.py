"""What a view is rendered for: its address, its reader's language and colours, and the moment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal, get_args

from dashboard.address import Address
from dashboard.figures import Colours, Palette, palette_of
from dashboard.texts import Language, Text, common, company_names, sectors
from dashboard.texts.glossary import MEANINGS

Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = get_args(Theme)


PERCENT = re.compile(r"(\d) %")
NEGATIVE = re.compile(r"(?<![\w.)-])-(\d[\d.,]*%)")


class Said(str):
    """A text as a reader reads it, with what it means where the glossary tells. meaning: empty where it does not."""

    meaning: str = ""


@dataclass(frozen=True)
class Page:
    address: Address
    periods: Sequence[int]
    language: Language = "en"
    theme: Theme = "dark"
    colours: Colours = "blue-orange"
    # The platform's PIPELINE_SCHEDULE, and the moment at which it is drawn: when the next run is depends on both.
    schedule: str = "staggered"
    now: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @property
    def palette(self) -> Palette:
        return palette_of(self.theme, self.colours)

    @property
    def hues(self) -> dict[str, str]:
        """The names of the colours of a rise and a fall, for a text.

        >>> Page(Address(), (5,), colours="red-blue").hues
        {'up': 'red', 'down': 'blue'}
        """
        up, down = common.HUES[self.colours]
        return {"up": self.say(up), "down": self.say(down)}

    def say(self, text: Text, **values: object) -> Said:
        """Return a text in the reader's language."""
        said = Said(text.in_(self.language, **values))
        if meaning := MEANINGS.get(text):
            said.meaning = meaning.in_(self.language, **values)
        return said

    def sector(self, name: str | None) -> str:
        """Return a sector's name in the reader's language; a dash for none.

        >>> Page(Address(), (5,), "ko").sector("Technology"), Page(Address(), (5,)).sector(None)
        ('기술', '–')
        """
        return (sectors.KOREAN.get(name, name) if self.language == "ko" else name) if name else "–"

    def company(self, ticker: str, name: str | None) -> str:
        """Return a company's name in the reader's language where it is known there; a dash for none.

        >>> Page(Address(), (5,), "ko").company("MSFT", "Microsoft"), Page(Address(), (5,)).company("A", None)
        ('마이크로소프트', '–')
        """
        return (company_names.KOREAN.get(ticker) if self.language == "ko" else None) or name or "–"

    def day(self, day: date | None) -> str:
        """Return a day in the reader's language; a dash for none.

        >>> Page(Address(), (5,)).day(date(2026, 8, 21)), Page(Address(), (5,), "ko").day(date(2026, 8, 21))
        ('Fri 21 Aug 2026', '2026년 8월 21일 (금)')
        """
        if day is None:
            return "–"
        if self.language == "ko":
            return f"{day.year}년 {day.month}월 {day.day}일 ({common.WEEKDAYS[day.weekday()]})"
        return f"{day:%a %-d %b %Y}"

    def short_day(self, day: date) -> str:
        """Where the year goes without saying.

        >>> Page(Address(), (5,)).short_day(date(2026, 8, 21)), Page(Address(), (5,), "ko").short_day(date(2026, 8, 21))
        ('Fri 21 Aug', '8월 21일 (금)')
        """
        if self.language == "ko":
            return f"{day.month}월 {day.day}일 ({common.WEEKDAYS[day.weekday()]})"
        return f"{day:%a %-d %b}"

    def moment(self, moment: datetime | None) -> str:
        """Return a moment in the reader's language; a dash for none.

        >>> Page(Address(), (5,)).moment(datetime.fromisoformat("2026-08-24T13:03:00Z"))
        '24 Aug 2026 13:03 UTC'
        """
        if moment is None:
            return "–"
        if self.language == "ko":
            return f"{moment.year}년 {moment.month}월 {moment.day}일 {moment:%H:%M} UTC"
        return f"{moment:%-d %b %Y %H:%M} UTC"


def compact(amount: float) -> str:
    """Return an amount in billions, trillions or millions.

    >>> compact(75_130_000_000), compact(4_432_320_000_000), compact(812_000)
    ('75.1B', '4.43T', '812,000')
    """
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if amount >= size:
            return f"{amount / size:.3g}{unit}" if amount < 999.5 * size else f"{amount / size:,.0f}{unit}"
    return f"{amount:,.0f}"


def price(amount: float) -> str:
    """Return a price with two digits, or none from ten thousand on.

    >>> price(30.0), price(5432.1), price(94100.0)
    ('30.00', '5,432.10', '94,100')
    """
    return f"{amount:,.2f}" if amount < 10_000 else f"{amount:,.0f}"


def signed(share: float | None) -> str:
    """Return a share as a percent with its sign.

    >>> signed(0.1172), signed(-0.03), signed(-0.00001), signed(None)
    ('+11.72%', '−3.00%', '+0.00%', '–')
    """
    return "–" if share is None else typeset(f"{share:+z.2%}")


def typeset(number: str) -> str:
    """Return a number with the minus sign that tables and charts have, too.

    >>> typeset("-0.5")
    '−0.5'
    """
    return number.replace("-", "−")


def typeset_words(words: str) -> str:
    """Return a sentence with its numbers written as everywhere else.

    >>> typeset_words("MU returned more (+13.20 %), return of -3.21 % up to 2026-08-21")
    'MU returned more (+13.20%), return of −3.21% up to 2026-08-21'
    """
    return NEGATIVE.sub(r"−\1", PERCENT.sub(r"\1%", words))


def percent(share: float | None) -> str:
    """Return a share as a percent.

    >>> percent(0.1172), percent(None)
    ('11.72%', '–')
    """
    return "–" if share is None else f"{share:.2%}"
