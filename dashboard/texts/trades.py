"""The trades from what a reader owns."""

from dashboard.texts import Text

TITLE = Text("Trades", "매매")
LEAD = Text(
    "What to trade so that what you own becomes this portfolio.",
    "보유한 종목을 이 포트폴리오로 바꾸려면 무엇을 매매해야 하는지 계산합니다.",
)
OWNED = Text("What you own", "보유 종목")
PASTE = Text("Positions: paste them, one a line, or a broker's CSV. Empty: nothing.", 
             "보유 종목을 한 줄에 하나씩, 또는 증권사 CSV를 붙여 넣으세요. 비워 두면 없음입니다.")  # fmt: skip
EXAMPLE = Text("NVDA 12.5\nBRK-B 3\n005930.KS 10", "NVDA 12.5\nBRK-B 3\n005930.KS 10")
IMPORT = Text("Import a CSV file", "CSV 파일 가져오기")
KNOWN = Text(
    "Header names of Interactive Brokers, Schwab, Fidelity, Ghostfolio, Portfolio Performance and of many others are "
    "known.",
    "Interactive Brokers, Schwab, Fidelity, Ghostfolio, Portfolio Performance 등의 열 이름을 알아봅니다.",
)
KEEP_IT_WHERE = Text("Where it is kept", "보관할 곳")
IN_BROWSER = Text(
    "In this browser. The server counts with it and forgets it.",
    "이 브라우저. 서버는 계산에만 쓰고 저장하지 않습니다.",
)
ON_PLATFORM = Text(
    "On the platform, in the place of what it keeps. Everybody who can open this dashboard sees and can change it.",
    "플랫폼. 이미 보관된 내용을 대신합니다. 이 대시보드를 열 수 있는 사람은 누구나 보고 바꿀 수 있습니다.",
)
NOWHERE = Text("Nowhere. It is gone when you close this tab.", "보관하지 않음. 이 탭을 닫으면 사라집니다.")
KEPT_ON_PLATFORM = Text(
    "On the platform since {moment}, for everybody who can open this dashboard: positions: {count}, cash: {cash}. "
    "“Forget it” deletes it there.",
    "{moment}부터 플랫폼에 보관 중이며 이 대시보드를 여는 누구에게나 보입니다. 보유 종목 {count}개, 현금 {cash}. "
    "“지우기”를 누르면 플랫폼에서도 삭제됩니다.",
)
NOT_DONE = Text(
    "The platform still keeps what it kept before: {problem}",
    "플랫폼에 보관된 내용은 바뀌지 않았습니다: {problem}",
)
CASH = Text("Cash, $", "현금, $")
CASH_LABEL = Text("Cash to invest, in US dollars", "투자할 현금 (미국 달러)")
SHARES = Text("Shares", "주식 단위")
WHOLE = Text("whole", "정수")
FRACTIONAL = Text("in parts", "소수점")
BAND = Text("Leave alone what is off by up to", "다음 차이까지는 그대로 두기")
BAND_HINT = Text(
    "Drift band: a position that you hold and that belongs there is left alone while its weight is off by no more.",
    "허용 범위: 비중 차이가 이보다 크지 않은 보유 종목은 매매하지 않습니다.",
)
NO_BAND = Text("nothing", "없음")
OUTSIDE = Text("What the portfolio does not have", "포트폴리오에 없는 종목")
SELL_IT = Text("sell", "매도")
KEEP_IT = Text("leave out", "제외")
SHOW = Text("Show trades", "매매 계산")
FORGET = Text("Forget it", "지우기")
PROBLEMS = Text("Not read", "읽지 못한 줄")
LINE = Text("Line {line}: {why}", "{line}번째 줄: {why}")
LINE_WITHOUT_SHARES = Text(
    "“{typed}” has no number of shares. Write a ticker and its shares, like NVDA 12.5.",
    "“{typed}”에 주식 수가 없습니다. NVDA 12.5처럼 종목 코드와 주식 수를 적으세요.",
)
NO_NUMBER = Text(
    "{ticker} has “{typed}” for its shares, which is no number. Write it like 1234.5.",
    "{ticker}의 주식 수 “{typed}”은(는) 숫자가 아닙니다. 1234.5처럼 적으세요.",
)
NO_TICKER = Text(
    "“{typed}” is no ticker. Write it like NVDA, BRK-B or 005930.KS.",
    "“{typed}”은(는) 종목 코드가 아닙니다. NVDA, BRK-B, 005930.KS처럼 적으세요.",
)
NO_STOCK = Text(
    "{ticker} is listed as “{kind}”. Only stocks and ETFs are counted.",
    "{ticker}은(는) “{kind}”(으)로 적혀 있습니다. 주식과 ETF만 계산합니다.",
)
UNKNOWN_ACTION = Text(
    "{ticker} is listed as “{kind}”, and what that does to your shares is not known. Write how many you own now.",
    "{ticker}에 적힌 “{kind}”이(가) 주식 수를 어떻게 바꾸는지 알 수 없습니다. 지금 보유한 주식 수를 적으세요.",
)
SHORT_POSITION = Text(
    "{ticker} has {typed} shares: a short position is not counted. Close it, or leave the line out.",
    "{ticker}의 주식 수가 {typed}입니다. 공매도 포지션은 계산하지 않습니다. 청산하거나 줄을 빼세요.",
)
NO_CASH = Text(
    "“{typed}” is no sum of cash to invest. Write dollars, like 10000, into the field.",
    "“{typed}”은(는) 투자할 현금이 아닙니다. 현금 칸에 10000처럼 달러로 적으세요.",
)
CASH_IN_OTHER_CURRENCY = Text(
    "Cash in {currency} is not counted: only US dollars are. Write what all your cash is worth in dollars into the "
    "field.",
    "{currency} 현금은 계산하지 않습니다. 현금 전체를 미국 달러로 환산해 현금 칸에 적으세요.",
)
CASH_WITHOUT_CURRENCY = Text(
    "Cash of {typed} is not counted: nothing says of which currency it is. Write what all your cash is worth in "
    "dollars into the field.",
    "현금 {typed}은(는) 어느 통화인지 알 수 없어 계산하지 않습니다. 현금 전체를 미국 달러로 환산해 현금 칸에 적으세요.",
)
SOLD_MORE = Text(
    "{ticker}: more is sold than bought in these lines. Add the missing purchases.",
    "{ticker}: 매수보다 매도가 많습니다. 빠진 매수 내역을 더하세요.",
)
TOO_MANY = Text(
    "{count} positions are more than can be counted: the first {most} are.",
    "{count}개 종목은 너무 많아 처음 {most}개만 계산합니다.",
)
NO_TEXT_FILE = Text(
    "This is no text. Save the table as CSV, and import that.",
    "텍스트 파일이 아닙니다. 표를 CSV로 저장해서 가져오세요.",
)
CASH_REFUSED = Text(
    "Cash: {typed} is no sum. Give dollars from 0 to {largest}, like 10000 or 25,000.50.",
    "현금: {typed}은(는) 금액이 아닙니다. 0~{largest} 달러로 입력하세요 (예: 10000, 25,000.50).",
)
NOTHING_YET = Text(
    "Paste what you own, or leave it empty, enter your cash, and ask for the trades.",
    "보유 종목을 붙여 넣거나 비워 두고, 현금을 적은 뒤 매매를 계산하세요.",
)
NO_MONEY = Text(
    "There is nothing to invest: enter cash, or positions with a price.",
    "투자할 것이 없습니다. 현금이나 시세가 있는 보유 종목을 입력하세요.",
)

TO_DO = Text("Orders", "주문")
SUMS = Text(
    "You own {owned} and {cash} cash: {capital} in all. Sell for {sold}, buy for {bought}, cost {cost} at {rate} of "
    "what is traded, cash left {left}.",
    "보유 종목 {owned}, 현금 {cash}, 합계 {capital}. 매도 {sold}, 매수 {bought}, "
    "비용 {cost} (거래 금액의 {rate}), 남는 현금 {left}.",
)
NO_ORDERS = Text("Nothing to trade: what you own fits.", "매매할 것이 없습니다. 이미 포트폴리오와 맞습니다.")
PORTFOLIO_OF = Text("Portfolio of", "포트폴리오 기준일")
PRICES_OF = Text("Closes of", "종가 기준일")
CAPITAL = Text("Capital", "투자 금액")
ORDERS = Text("Orders", "주문 수")
OFF_TARGET = Text("Elsewhere afterwards", "매매 후 비중 차이")
OFF_TARGET_HINT = Text(
    "Share of the money that is elsewhere than in the portfolio after the trades.",
    "매매 후에도 포트폴리오와 다른 곳에 있는 금액의 비율입니다.",
)
SMALLEST_WHOLE = Text(
    "{count} of {positions} positions get no whole share. From about {capital} on every position gets one: "
    "above, choose shares in parts, or let the small positions be.",
    "{positions}개 종목 중 {count}개는 한 주도 사지 못합니다. 약 {capital}부터 모든 종목을 한 주 이상 살 수 있습니다. "
    "그보다 적으면 소수점 주식을 고르거나 작은 종목은 그대로 두세요.",
)
SMALLEST_PARTS = Text(
    "{count} of {positions} positions get less than a dollar. From about {capital} on every position gets one.",
    "{positions}개 종목 중 {count}개는 1달러가 되지 않습니다. 약 {capital}부터 모든 종목이 1달러 이상이 됩니다.",
)
SMALLEST = Text("Smallest useful capital", "필요한 최소 투자 금액")
OLD_PRICES = Text(
    "Not of {session}, but the newest that there is: {tickers}.",
    "{session} 종가가 아닌, 저장된 최신 종가로 계산한 종목: {tickers}.",
)
FOREIGN = Text(
    "Quoted in another currency and counted in dollars at the stored rate: {tickers}.",
    "다른 통화로 거래되어 저장된 환율로 환산한 종목: {tickers}.",
)
LEFT_OUT = Text("Not counted", "계산에서 뺀 종목")
LEFT_OUT_HINT = Text(
    "In no sum above, and in no order. What the portfolio has of it stays cash.",
    "위 합계와 주문에 들어가지 않습니다. 포트폴리오에 있는 종목이면 그 몫은 현금으로 남습니다.",
)
EMPTY = Text(
    "This portfolio holds no position, only cash: {reason}",
    "이 포트폴리오에는 종목이 없고 현금만 있습니다: {reason}",
)
EXPIRED = Text(
    "This month ran out on {day}: until the next rebalance on {next} the followed record holds cash, and so do these "
    "orders.",
    "이 월간 포트폴리오는 {day}에 유효 기한이 지났습니다. 다음 리밸런싱({next})까지 성과 기록은 현금이며, "
    "아래 주문도 현금을 기준으로 합니다.",
)
NOT_COMPUTABLE = Text(
    "This portfolio could not be computed, which is no decision for cash: there are no orders. {reason}",
    "이 포트폴리오는 산출할 수 없었습니다. 현금으로 바꾸라는 뜻이 아니므로 주문이 없습니다. {reason}",
)
HINT = Text(
    "Counted at the newest stored closes; the trade itself is possible from the next session on, at its prices. "
    "Cash is spent first, sells come before buys, and buys never take more than the cash. No advice.",
    "저장된 최신 종가로 계산했으며 실제 매매는 다음 거래일부터 그날 시세로 이루어집니다. "
    "현금을 먼저 쓰고, 매도를 매수보다 먼저 하며, 현금보다 많이 사지 않습니다. 투자 조언이 아닙니다.",
)
AS_CSV = Text("CSV", "CSV")
AS_BASKET = Text("Interactive Brokers basket", "Interactive Brokers 바스켓")
AS_ACTIVITIES = Text("Ghostfolio activities", "Ghostfolio 거래 내역")
EXPORT = Text("Save the orders", "주문 저장")
HELD_AFTER = Text("After", "매매 후")
VOLUME = Text("Of volume", "거래량 대비")
IN_BAND = Text("in the band", "허용 범위")
FROM_OWNED = Text("Trades from what you own", "내 보유 종목에서 매매")

SIDE = Text("Trade", "매매")
BUY = Text("buy", "매수")
SELL = Text("sell", "매도")
KEEP = Text("keep", "유지")
ORDERED = Text("Shares", "주식 수")
HELD_WEIGHT = Text("Weight now", "현재 비중")
HELD = Text("Held", "보유")
TARGET = Text("Target", "목표")
PRICE = Text("Close, $", "종가, $")
VALUE = Text("Value, $", "금액, $")
COST = Text("Cost, $", "비용, $")
TOO_LARGE = Text(
    "Too much for the market: more than {limit} of what is traded in an ordinary session. {trades}. "
    "Such a trade moves the price, and the closes here would not be paid.",
    "시장이 받아 내기에 너무 큰 금액입니다. 평소 하루 거래량의 {limit}를 넘는 매매: {trades}. "
    "이런 매매는 가격을 움직이므로 여기 적힌 종가로 체결되지 않습니다.",
)
AND_MORE = Text(" and {count} more", " 외 {count}건")
