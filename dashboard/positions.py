"""What a reader pastes or imports of their positions, line by line: any broker's CSV whose columns have known names.

The names, without regard to case, spaces and signs, are those of COLUMNS; docs/dashboard.md lists them with the exports
that have them. Lines before the header and below the last position are none of ours. A line that cannot be read has one
sentence, and the others count.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from config.exchanges import TICKER as A_TICKER
from config.exchanges import class_share
from dashboard.texts import Text
from dashboard.texts import trades as texts

TICKER, SHARES, CURRENCY, VALUE, KIND, ACTION = "ticker", "shares", "currency", "value", "kind", "action"
COLUMNS: Mapping[str, Sequence[str]] = {
    TICKER: ("symbol", "ticker", "tickersymbol", "code", "instrument", "종목코드", "종목번호", "티커", "심볼"),
    SHARES: (
        "quantity", "qty", "qtyquantity", "shares", "position", "units", "보유수량", "수량", "잔고수량", "주식수",
        "stück", "anteile", "bestand",
    ),
    CURRENCY: ("currency", "currencyprimary", "transactioncurrency", "통화", "währung"),
    VALUE: (
        "marketvalue", "mktvalmarketvalue", "currentvalue", "positionvalue", "value", "평가금액", "marktwert",
    ),
    KIND: ("assetcategory", "assetclass", "assettype", "securitytype"),
    ACTION: ("action", "transactiontype", "activitytype", "side", "type", "typ", "거래구분", "매매구분"),
}  # fmt: skip
# What a statement of many parts calls the part with the positions, and that with the cash.
PARTS = ("Open Positions", "Long Open Positions")
CASH_LINE, BASE_CURRENCY = ["Cash Report", "Data", "Ending Cash"], "Base Currency Summary"
CASH = re.compile(r"cash|cash & cash investments|현금|예수금|\$|[A-Z]{5}\*\*", re.IGNORECASE)
# Money-market funds of the United States are cash, too.
DOLLAR_CASH = re.compile(r"\$|[A-Z]{5}\*\*", re.IGNORECASE)
SUMMARY = re.compile(r"(account|grand|positions)? ?totals?|pending activity|합계", re.IGNORECASE)
STOCKS = re.compile(r"stock|stk|equit|etf|fund|common|^$", re.IGNORECASE)
NOT_STOCKS = re.compile(r"option|future|bond|crypto|forex|cash", re.IGNORECASE)
# What a line of a list of activities does to the shares, by the letters of its action in lower case.
BUYS = re.compile(
    r"(you)?(buy|bought)|purchase|reinvest(ment|shares|$)|dividendreinvest|(delivery|transfer)in|kauf|einlieferung|"
    r"(현금|신용)?매수"
)
SELLS = re.compile(r"(you)?(sell|sold)|sale|(delivery|transfer)out|verkauf|auslieferung|(현금|신용)?매도")
CANCELS = re.compile(r"cancel|storno|취소|정정")
# A payment moves no shares. Some programs write those that it is paid for.
PAYMENTS = re.compile(
    r"(cash|qualified)?(dividends?|dividende)|interest|zinsen|fees?|gebühren|tax(es)?|steuern|배당금?|이자|수수료|세금"
)
# Where a line names no shares, a payment may have whatever words.
MONEY = re.compile(
    r"(?<!in)div|interest|fee|tax|capgain|deposit|removal|withdraw|wire|zins|gebühr|steuer|einlage|entnahme|"
    r"배당|이자|수수료|세금|입금|출금"
)
# Of positions the same column says in which account they are, or what kind of security.
HELD_AS = re.compile(
    r"cash|margin|long|현금|신용|(common|preferred)?(stocks?|shares?)|stk|equit(y|ies)|"
    r"(mutual|index)?(et[fpnc]s?|funds?)|etfsclosedendfunds|adrs?|reits?|aktien?|fonds|주식"
)
SYMBOL = re.compile(A_TICKER)
CURRENCY_CODE = re.compile(r"[A-Z]{3}")
MOST_POSITIONS = 500
LARGEST_SHARES = Decimal(10) ** 9
SMALLEST_PART = Decimal("0.00000001")
DOLLAR = "USD"
DOLLARS = (DOLLAR, "$", "US$")
NOTHING = Decimal(0)
DELIMITERS = (",", ";", "\t")
DECIMAL_COMMA = re.compile(r"-?(\d{1,3}(\.\d{3})*|\d+),(\d{1,2}|\d{4,})")
# Of a line that a person types.
PLAIN_COLUMNS = {TICKER: 0, SHARES: 1, CURRENCY: 2}


@dataclass(frozen=True)
class Problem:
    """A line that cannot be read, and why."""

    line: int
    text: Text
    values: Mapping[str, object]


@dataclass
class Reading:
    """What was read. shares: by ticker and currency (empty where there is none). cash: None without a line of it."""

    shares: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    cash: Decimal | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def written(self) -> str:
        """The positions as the API takes them."""
        return ",".join(
            ":".join(filter(None, (ticker, f"{count.normalize():f}", currency)))
            for (ticker, currency), count in self.shares.items()
            if count > 0
        )


@dataclass(frozen=True)
class _Line:
    number: int
    cells: Sequence[str]


class Unreadable(Exception):
    """Why a line cannot be read."""

    def __init__(self, text: Text, **values: object) -> None:
        super().__init__(text.en.format(**values))
        self.text, self.values = text, values


def read(text: str) -> Reading:
    """Read positions. An empty text is nothing, which is no problem.

    >>> found = read("NVDA 10\\nBRK.B, 2.5\\ncash 1,000")
    >>> found.written, found.cash
    ('NVDA:10,BRK-B:2.5', Decimal('1000'))
    >>> [problem.values["typed"] for problem in read("Symbol,Quantity\\nNVDA,ten").problems]
    ['ten']
    """
    found = Reading()
    lines = text.lstrip("\ufeff").splitlines()
    table = next((table for sign in DELIMITERS if _header_of(table := _table(lines, sign))), None)
    if table is None:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                _take(_Line(number, _plain_cells(line)), PLAIN_COLUMNS, found, False)
    else:
        _take_table(table, found)
    _check_sums(found)
    return found


def lines_of(written: str) -> str:
    """Return positions as a person writes them, one a line, from how the API takes them.

    >>> lines_of("NVDA:10,005930.KS:3:KRW")
    'NVDA 10\\n005930.KS 3 KRW'
    """
    return written.replace(":", " ").replace(",", "\n")


def _take_table(table: Sequence[_Line], found: Reading) -> None:
    has_decimal_comma = any(DECIMAL_COMMA.fullmatch(cell) for line in table for cell in line.cells)
    columns: Mapping[str, int] = {}
    for line in _own_parts(table):
        if named := _header(line.cells):
            columns = named
        elif columns:
            _take(line, columns, found, has_decimal_comma)
    for line in _cash_lines(table):
        _take(line, PLAIN_COLUMNS, found, False)


def _table(lines: Sequence[str], delimiter: str) -> list[_Line]:
    rows = ((number, next(csv.reader([line], delimiter=delimiter), [])) for number, line in enumerate(lines, start=1))
    return [_Line(number, [cell.strip() for cell in row]) for number, row in rows if any(map(str.strip, row))]


def _plain_cells(line: str) -> tuple[str, str, str]:
    """Return the ticker, the shares and the currency of a line as people type it.

    >>> [_plain_cells(line) for line in ("BRK.B,2.5", "cash: $1,000", "10 MU", "005930 3 KRW")]
    [('BRK.B', '2.5', ''), ('cash', '$1,000', ''), ('MU', '10', ''), ('005930', '3', 'KRW')]
    """
    first, _, rest = re.sub(r"[\s,;:]+", " ", line.strip(), count=1).partition(" ")
    number, _, currency = rest.rstrip(",; ").partition(" ")
    if not re.search(r"\d", number) and re.fullmatch(r"[\d.,]+", first):
        first, number = number, first
    return first, number, currency.strip(",; ")


def _own_parts(lines: Sequence[_Line]) -> Iterator[_Line]:
    """Yield the lines of the positions. Of a statement of many parts: those of its part without the first two cells."""
    if not any(line.cells[0] in PARTS and "Header" in line.cells[1:2] for line in lines):
        yield from lines
        return
    for line in lines:
        part, kind, cells = line.cells[0], "".join(line.cells[1:2]), line.cells[2:]
        if part in PARTS and (kind == "Header" or (kind == "Data" and cells[:1] == ["Summary"])):
            yield _Line(line.number, cells)


def _cash_lines(lines: Sequence[_Line]) -> list[_Line]:
    """Return the cash of a statement of many parts as people type it: of each currency, or the only sum there is."""
    ends = [line for line in lines if list(line.cells[:3]) == CASH_LINE and len(line.cells) > len(CASH_LINE) + 1]
    sums = [_Line(line.number, ["cash", line.cells[4], line.cells[3]]) for line in ends]
    return [line for line in sums if line.cells[2] != BASE_CURRENCY] or sums


def _header(cells: Sequence[str]) -> Mapping[str, int] | None:
    """Return where the known columns are, or None for a line that is no header."""
    names = [re.sub(r"[^\w]|_", "", cell).lower() for cell in cells]
    found = {
        column: names.index(next(name for name in known if name in names))
        for column, known in COLUMNS.items()
        if any(name in names for name in known)
    }
    return found if TICKER in found and SHARES in found else None


def _header_of(table: Iterable[_Line]) -> bool:
    return any(_header(line.cells) or _header(line.cells[2:]) for line in table)


def _take(line: _Line, columns: Mapping[str, int], found: Reading, has_decimal_comma: bool) -> None:
    """Add a line to what was read, or the sentence that says why it cannot be."""
    try:
        cells = _named(line.cells, columns)
        if cells is None:
            return
        if CASH.fullmatch(cells[TICKER]):
            _take_cash(cells, found, has_decimal_comma, DOLLAR if columns is PLAIN_COLUMNS else "")
            return
        _take_position(cells, found, has_decimal_comma)
    except Unreadable as why:
        found.problems.append(Problem(line.number, why.text, why.values))


def _named(cells: Sequence[str], columns: Mapping[str, int]) -> dict[str, str] | None:
    """Return a line's cells by column. None for a line below the table, or for one that sums the others up."""
    named = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
    is_text = columns is not PLAIN_COLUMNS and len(list(filter(None, cells))) < 2 and not _is_word(named[TICKER])
    return None if len(cells) <= columns[TICKER] or is_text or SUMMARY.fullmatch(named[TICKER]) else named


def _is_word(cell: str) -> bool:
    """Return whether a cell may be a ticker, and is no sentence below a table.

    >>> [_is_word(cell) for cell in ("NVDA", "BRK B", "As of 21 August", "")]
    [True, True, False, False]
    """
    return bool(class_share(cell.upper()) or re.fullmatch(r"\S*\w\S*", cell))


def _take_cash(cells: Mapping[str, str], found: Reading, has_decimal_comma: bool, assumed: str) -> None:
    """Add cash in dollars. assumed: the currency of cash that names none; empty: it is not known."""
    typed = cells.get(VALUE) or cells[SHARES]
    amount = _number(typed, has_decimal_comma)
    if amount is None or amount < 0:
        raise Unreadable(texts.NO_CASH, typed=typed or "–")
    is_in_dollars = "$" in typed or DOLLAR_CASH.fullmatch(cells[TICKER])
    currency = cells.get(CURRENCY, "").upper() or (DOLLAR if is_in_dollars else assumed)
    if amount and currency not in DOLLARS:
        is_known = currency not in ("", BASE_CURRENCY.upper())
        text = texts.CASH_IN_OTHER_CURRENCY if is_known else texts.CASH_WITHOUT_CURRENCY
        raise Unreadable(text, currency=currency, typed=typed)
    found.cash = (found.cash or NOTHING) + amount


def _take_position(cells: Mapping[str, str], found: Reading, has_decimal_comma: bool) -> None:
    kind, action = cells.get(KIND, ""), cells.get(ACTION, "")
    if NOT_STOCKS.search(kind) or not STOCKS.search(kind):
        raise Unreadable(texts.NO_STOCK, ticker=cells[TICKER] or "–", kind=kind)
    if not cells[SHARES] and MONEY.search(_letters(action)):
        return
    ticker = _ticker(cells[TICKER])
    if not cells[SHARES]:
        raise Unreadable(texts.LINE_WITHOUT_SHARES, typed=cells[TICKER])
    shares = _number(cells[SHARES], has_decimal_comma)
    if shares is None:
        raise Unreadable(texts.NO_NUMBER, ticker=ticker, typed=cells[SHARES] or "–")
    moved = _moved(ticker, shares, action, cells[SHARES])
    if moved == 0:
        return
    currency = cells.get(CURRENCY, "").upper()
    key = (ticker, currency if CURRENCY_CODE.fullmatch(currency) else "")
    found.shares[key] = found.shares.get(key, NOTHING) + moved.quantize(SMALLEST_PART).normalize()


def _moved(ticker: str, shares: Decimal, action: str, typed: str) -> Decimal:
    """Return how many shares more, or fewer, a line makes of a ticker. typed: the shares as they are written."""
    sign = _sign(action)
    if sign is not None:
        return abs(shares) * sign
    if not HELD_AS.fullmatch(_letters(action) or "long"):
        if shares == 0:
            return shares
        unknown = texts.NO_STOCK if NOT_STOCKS.search(action) else texts.UNKNOWN_ACTION
        raise Unreadable(unknown, ticker=ticker, kind=action)
    if shares < 0:
        raise Unreadable(texts.SHORT_POSITION, ticker=ticker, typed=typed)
    return shares


def _sign(action: str) -> int | None:
    """Return what an action does to the shares. None for what is no action that is known: positions have none.

    >>> [_sign(action) for action in ("BUY", "You sold", "Delivery (Outbound)", "dividend", "", "Stock Split")]
    [1, -1, -1, 0, None, None]
    """
    name = _letters(action)
    if CANCELS.search(name):
        return None
    if PAYMENTS.fullmatch(name):
        return 0
    return 1 if BUYS.match(name) else -1 if SELLS.match(name) else None


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", text).lower()


def _ticker(typed: str) -> str:
    ticker = typed.strip().upper()
    ticker = class_share(ticker) or ticker
    if not SYMBOL.fullmatch(ticker):
        raise Unreadable(texts.NO_TICKER, typed=typed or "–")
    return ticker


def _number(typed: str, has_decimal_comma: bool) -> Decimal | None:
    """Return a number as brokers write it, or None.

    >>> [_number(typed, False) for typed in ("1,234.5", "$99", "(5)", "--", "1e3")]
    [Decimal('1234.5'), Decimal('99'), Decimal('-5'), None, None]
    >>> _number("1.234,5", True)
    Decimal('1234.5')
    """
    plain = re.sub(r"[\s$'’]|US\$|주", "", typed).replace("−", "-")
    if has_decimal_comma:
        plain = plain.replace(".", "").replace(",", ".")
    if found := re.fullmatch(r"\((.+)\)", plain):
        plain = f"-{found[1]}"
    if not re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?", plain):
        return None
    try:
        number = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None
    return number if abs(number) < LARGEST_SHARES else None


def _check_sums(found: Reading) -> None:
    """Tell what cannot be as a whole: more sold than bought, or too many positions."""
    for (ticker, currency), count in list(found.shares.items()):
        if count < 0:
            found.problems.append(Problem(0, texts.SOLD_MORE, {"ticker": ticker}))
        if count <= 0:
            del found.shares[ticker, currency]
    if len(found.shares) > MOST_POSITIONS:
        found.problems.append(Problem(0, texts.TOO_MANY, {"count": len(found.shares), "most": MOST_POSITIONS}))
        for key in list(found.shares)[MOST_POSITIONS:]:
            del found.shares[key]
