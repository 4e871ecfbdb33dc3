"""Which view an address names, with the choices made in it: read, checked, and written again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from urllib.parse import parse_qs, quote, unquote, urlencode

from utils.dates import parse_date
from utils.errors import InvalidInput
from utils.reasons import reason

Chosen = TypeVar("Chosen", bound=str)
# The choices of all views: `period` and `as_of` go along from one to the next.
CHOICES = frozenset(
    {
        *("as_of", "band", "candidates", "etfs", "find", "outside", "period", "range", "rebalance", "revision"),
        *("sector", "sessions", "shares", "size", "stocks", "why", "window"),
    }
)


@dataclass(frozen=True)
class Address:
    """`/ticker/NVDA?range=1y`: path "/ticker", subject "NVDA", choices {"range": "1y"}."""

    path: str = "/"
    subject: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pathname: str | None, search: str | None) -> "Address":
        """Read an address as the browser has it. Of a choice made twice the last one counts.

        >>> Address.of("/ticker/005930.KS", "?range=1y")
        Address(path='/ticker', subject='005930.KS', choices={'range': '1y'})
        """
        view, _, subject = unquote(pathname or "/").strip("/").partition("/")
        chosen = parse_qs((search or "").removeprefix("?"))
        return cls(f"/{view}", subject, {name: values[-1] for name, values in chosen.items()})

    def check(self) -> None:
        """Raise InvalidInput for a choice that no view has: what was asked for would not be what is shown."""
        if unknown := sorted(self.choices.keys() - CHOICES):
            raise InvalidInput(reason("no_such_choice", names=unknown, allowed=sorted(CHOICES)))

    def choice(self, name: str, allowed: Sequence[Chosen], default: Chosen) -> Chosen:
        """Return what was chosen of a few. InvalidInput names them."""
        chosen = self.choices.get(name, default)
        for each in allowed:
            if each == chosen:
                return each
        raise InvalidInput(reason("no_choice", name=name, chosen=chosen, allowed=list(filter(None, allowed))))

    def day(self, name: str) -> date | None:
        """Return a chosen day, or None. InvalidInput for a text that is no date."""
        return parse_date(self.choices[name]) if self.choices.get(name) else None

    def amount(self, name: str, default: float, largest: float) -> float:
        """Return a chosen positive number. Raise InvalidInput when it is none, or too large."""
        chosen = self.choices.get(name, str(default))
        try:
            amount = float(chosen)
        except ValueError:
            amount = 0.0
        if not 0 < amount <= largest:
            raise InvalidInput(reason("no_amount", name=name, chosen=chosen, largest=largest, example=default))
        return amount

    def href(self, **changes: object) -> str:
        """Return the address of the same view with other choices. None takes one out.

        >>> Address("/", choices={"period": "20", "as_of": "2026-08-21"}).href(period=10, as_of=None)
        '/?period=10'
        """
        path = f"{self.path}/{quote(self.subject)}" if self.subject else self.path
        return path + self.search(**changes)

    def search(self, **changes: object) -> str:
        """Return the part behind the path: `?period=10`, or nothing."""
        merged = {**self.choices, **changes}
        kept = {name: str(value) for name, value in merged.items() if value is not None}
        return f"?{urlencode(kept)}" if kept else ""
