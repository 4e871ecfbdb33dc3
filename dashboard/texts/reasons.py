"""Why something is missing, empty or in doubt, in Korean: the codes and parameters of utils.reasons.SENTENCES."""

from collections.abc import Mapping, Sequence

from contract.reasons import ShownReason, data_of
from dashboard.texts import Language
from utils.reasons import join

KOREAN: Mapping[str, str] = {
    # Words that an earlier version stored as an English sentence.
    "text": "{text}",
    # Figures and publications
    # A price, and what is said against it.
    "of_ticker": "{ticker}: {reasons}",
    "no_price": "{session} 시세가 없습니다",
    "no_price_by_then": "그때까지 저장된 시세가 없습니다",
    "no_rate": "{session} {rate} 환율이 없습니다",
    "no_exchange": "{suffix}에 해당하는 거래소를 알 수 없습니다",
    "no_market_cap": "{session} 시가총액이 없습니다",
    "prices_break": "{session}에 시세가 이어지지 않습니다 ({reasons:, })",
    "rate_breaks": "{session}에 {rate} 환율이 이어지지 않습니다 ({reasons:, })",
    "carried_rate": "{session} {rate} 환율이 없어 {used} 환율을 썼습니다",
    "lacks_bar": "{ticker}의 {session} 시세가 없습니다 ({state})",
    "lacks_rate": "{ticker}에 필요한 {session} {rate} 환율이 없습니다 ({state})",
    "state_late": "지연",
    "state_missing": "출처에 없음",
    "state_quarantined": "검토 대기",
    "state_closed": "휴장",
    "state_not_collected": "수집되지 않음",
    # A holding, and why it was chosen or not.
    "best_of_etfs": "{etfs}의 상위 {top}개 보유 종목 중 {days}거래일 동안 가장 좋았습니다: "
    "미국 달러 수익률 {gain:+.2%}, 시가총액 {market_cap:,.0f*1e-8}억 달러",
    "not_positive": "수익률 {gain:+.2f*100} %: 양수가 아닙니다",
    "returned_more": "{ticker}의 수익률이 더 높습니다 ({gain:+.2f*100} %)",
    "larger_holding": "{ticker}의 수익률이 같고 ETF 내 비중이 더 큽니다",
    "first_by_ticker": "{ticker}의 수익률과 비중이 같고 종목 코드가 앞섭니다",
    "earlier_holdings": "{etf}의 보유 종목은 {used} 자료입니다 ({reasons})",
    "no_holdings": "{etf}의 보유 종목이 저장되어 있지 않습니다",
    # A publication that is empty, not computable or degraded.
    "nothing_trends": "어떤 기간에도 수익률이 양수이면서 {benchmark}보다 높은 ETF가 없습니다",
    "nothing_trends_over": "{days}거래일 동안 상승 추세인 ETF가 없습니다",
    "nothing_trends_yet": "아직 발표된 추세 ETF가 없습니다: 한 거래일에 대해 1~3단계를 실행하세요",
    "without_value": "값이 없는 ETF: {reasons}",
    "not_comparable": "산출할 수 없습니다: 어떤 기간에도 ETF를 {benchmark}와 비교할 수 없습니다",
    "not_comparable_over": "산출할 수 없습니다: {days}거래일 동안 ETF를 {benchmark}와 비교할 수 없습니다",
    "had_no_return": "3단계를 산출할 때 수익률이 없었습니다",
    "no_holdings_of_any": "{etfs}의 보유 종목이 저장되어 있지 않습니다",
    "nobody_eligible": "{etfs}의 상위 보유 종목 {count}개 중 편입할 수 있는 종목이 없습니다: {reasons}",
    "no_holding_returned": "상위 보유 종목 {count}개 모두 {days}거래일 수익률이 없습니다",
    "no_sector_prices": "업종이 알려진 종목 중 {start}과 {end} 시세가 모두 있는 종목이 없습니다",
    "portfolio_is": "{session}의 {days}거래일 포트폴리오가 없습니다: {reasons}",
    "portfolio_left_out": "{session}의 {days}거래일 포트폴리오를 뺐습니다: {reasons}",
    "every_portfolio_empty": "{session}의 모든 포트폴리오가 비어 있습니다",
    "empty_portfolio": "{session}의 빈 포트폴리오는 더하는 종목이 없습니다",
    "over_sessions": "{days}거래일: {reasons}",
    # The track record.
    "no_portfolio_yet": "아직 발표된 포트폴리오가 없습니다: 한 거래일에 대해 다섯 단계를 실행하세요",
    "no_portfolio_computable": "발표된 포트폴리오 {count}개 모두 산출할 수 없습니다: 저장된 시세의 기간이 짧습니다",
    "bought_later": "{decided_on}의 첫 포트폴리오는 {bought_on} 종가에 매수됩니다: 그 전에는 따라갈 것이 없습니다",
    "nothing_held_yet": "{session} 종가에는 아직 보유한 포트폴리오가 없었습니다",
    "not_followed_yet": "아직 따라간 포트폴리오가 없습니다: 한 거래일에 대해 portfolio_performance를 실행하세요",
    "no_rebalance_yet": "아직 발표된 리밸런싱이 없습니다: 첫 리밸런싱은 매월 마지막 일요일 다음입니다",
    "earlier_doubts": "이전의 확실하지 않은 시세가 반영되어 있습니다 ({reasons:, })",
    "many_earlier_doubts": "이전의 확실하지 않은 시세가 반영되어 있습니다 ({reasons:, } 외 {more}건)",
    "too_few_sessions": "{count}거래일을 따라갔습니다: 연간 수치에는 {needed}거래일이 필요합니다",
}


def reason_in(language: Language, reasons: Sequence[ShownReason]) -> tuple[str, Language]:
    """Return reasons in words, and the language these are in. What only English has a sentence for is in English.

    >>> from contract.reasons import shown
    >>> from utils.reasons import reason
    >>> reason_in("ko", shown([reason("returned_more", ticker="NEM", gain=0.0963)]))
    ('NEM의 수익률이 더 높습니다 (+9.63 %)', 'ko')
    >>> reason_in("ko", shown([reason("text", text="nobody knows")]))
    ('nobody knows', 'en')
    """
    if language == "en" or any(each.code == "text" or each.code not in KOREAN for each in reasons):
        return "; ".join(each.sentence for each in reasons), "en"
    return join(data_of(reasons), KOREAN) or "", language
