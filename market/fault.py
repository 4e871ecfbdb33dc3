"""What every fault is, and what a fault of the data may spoil."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from market.envelope import Json
from market.model import Bar, Quote, Security


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataFault(Fault):
    """Spoils nothing: each kind has its own way."""

    def concerns(self, security: Security) -> bool:
        return security.ticker in self.tickers_named()

    def tickers_named(self) -> list[str]:
        """Return the tickers that the market must have, as it would be a fault of nothing otherwise."""
        return []

    def sessions_named(self) -> list[date]:
        """Return the sessions whose bars the ticker must have."""
        return []

    def spoil_security(self, security: Security) -> Security:
        return security

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        """Change the bars known at some moment, given oldest first."""
        return bars

    def spoil_chart(self, result: Json) -> None:
        """Change the answer's result in its place."""

    def spoil_quote(self, quote: Quote) -> Quote:
        return quote

    def spoil_row(self, row: Json) -> Json | None:
        """Change a row of the batch quote. None leaves it out."""
        return row

    def spoil_modules(self, modules: Json) -> Json:
        """Change the modules of quoteSummary."""
        return modules


class TickerFault(DataFault):
    ticker: str

    def tickers_named(self) -> list[str]:
        return [self.ticker]


class SessionFault(TickerFault):
    session: date

    def sessions_named(self) -> list[date]:
        return [self.session]


def described(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(mode="json", exclude_none=True)
