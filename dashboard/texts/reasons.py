"""The jobs' reasons, in the reader's language; one that is not known stays as it is."""

import re

from dashboard.texts import Language

_KOREAN = [
    (r"(?P<ticker>\S+) returned more \((?P<gain>[^)]+)\)", "{ticker}의 수익률이 더 높습니다 ({gain})"),
    (r"(?P<ticker>\S+) returned more", "{ticker}의 수익률이 더 높습니다"),
    (
        r"(?P<ticker>\S+) returned the same and is the larger holding",
        "{ticker}의 수익률이 같고 ETF 내 비중이 더 큽니다",
    ),
    (
        r"(?P<ticker>\S+) is equal in return and holding, and first by ticker",
        "{ticker}의 수익률과 비중이 같고 종목 코드가 앞섭니다",
    ),
    (r"return of (?P<gain>.+) is not positive", "수익률 {gain}: 양수가 아닙니다"),
    (r"no market cap on (?P<day>\S+)", "{day} 시가총액이 없습니다"),
    (r"no price on (?P<day>\S+)", "{day} 시세가 없습니다"),
    (r"(?P<ticker>\S+): no price on (?P<day>\S+)", "{ticker}의 {day} 시세가 없습니다"),
    (r"no (?P<rate>\S+) rate on (?P<day>\S+)", "{day} {rate} 환율이 없습니다"),
    (r"(?P<ticker>\S+) has no price (?:at|on|of) (?P<day>\S+)", "{ticker}의 {day} 시세가 없습니다"),
    (r"(?P<ticker>\S+) has no bar of (?P<day>\S+) \((?P<state>[^)]+)\)", "{ticker}의 {day} 시세가 없습니다 ({state})"),
    (
        r"(?P<ticker>\S+) has no (?P<rate>\S+) rate of (?P<day>\S+) \((?P<state>[^)]+)\)",
        "{ticker}에 필요한 {day} {rate} 환율이 없습니다 ({state})",
    ),
    (r"no holdings of (?P<ticker>\S+) are stored", "{ticker}의 보유 종목이 저장되어 있지 않습니다"),
    (r"no ETF trends over (?P<days>\d+) sessions", "{days}거래일 동안 상승 추세인 ETF가 없습니다"),
    # What is found at a break stays in the words of who found it.
    (r"prices break at (?P<day>[\d-]+): (?P<found>.+)", "{day}에 시세가 이어지지 않습니다 ({found})"),
    (r"(?P<rate>\S+=X) breaks at (?P<day>[\d-]+): (?P<found>.+)", "{day}에 {rate} 환율이 이어지지 않습니다 ({found})"),
    (
        r"the (?P<rate>\S+) rate of (?P<day>\S+) is that of (?P<used>\S+)",
        "{day} {rate} 환율이 없어 {used} 환율을 썼습니다",
    ),
    (
        r"(?:unknown exchange suffix|no exchange is known for the suffix) (?P<suffix>\S+)",
        "{suffix}에 해당하는 거래소를 알 수 없습니다",
    ),
    (r"the exchange of (?P<suffix>\S+) is not known", "{suffix}에 해당하는 거래소를 알 수 없습니다"),
    (
        r"no ETF can be compared with (?P<benchmark>\S+) over any period",
        "어떤 기간에도 ETF를 {benchmark}와 비교할 수 없습니다",
    ),
    (
        r"no ETF can be compared with (?P<benchmark>\S+) over (?P<days>\d+) sessions",
        "{days}거래일 동안 ETF를 {benchmark}와 비교할 수 없습니다",
    ),
    (
        r"nor is the portfolio of (?P<day>\S+) over (?P<days>\d+) sessions",
        "{day}의 {days}거래일 포트폴리오도 산출할 수 없습니다",
    ),
    (r"the values rest on earlier doubts: (?P<found>.+)", "이전의 확실하지 않은 시세가 반영되어 있습니다 ({found})"),
]
_STATES = {
    "late": "지연",
    "missing at the source": "출처에 없음",
    "quarantined": "검토 대기",
    "market closed": "휴장",
    "not collected": "수집되지 않음",
}
# What another reason may follow.
_PREFIXES = [
    (r"not computable: (?P<rest>.+)", "산출할 수 없습니다: {rest}"),
    (r"(?P<ticker>[A-Z0-9.=^-]+): (?P<rest>.+)", "{ticker}: {rest}"),
]


def reason_in(language: Language, reason: str) -> tuple[str, Language]:
    """Return the reason, and the language it is in.

    >>> reason_in("ko", "NEM returned more (+9.63 %)")
    ('NEM의 수익률이 더 높습니다 (+9.63 %)', 'ko')
    >>> reason_in("ko", "no price on 2026-07-24; no price on 2026-08-21")
    ('2026-07-24 시세가 없습니다; 2026-08-21 시세가 없습니다', 'ko')
    >>> reason_in("ko", "KO: prices break at 2026-08-12: a step of +900 %")[0]
    'KO: 2026-08-12에 시세가 이어지지 않습니다 (a step of +900 %)'
    >>> reason_in("ko", "nobody knows")
    ('nobody knows', 'en')
    """
    if language == "en":
        return reason, "en"
    translated = [_in_korean(part) for part in reason.split("; ")]
    return (reason, "en") if None in translated else ("; ".join(filter(None, translated)), "ko")


def _in_korean(reason: str) -> str | None:
    for pattern, korean in _KOREAN:
        if match := re.fullmatch(pattern, reason):
            parts = match.groupdict()
            return korean.format(**parts | {"state": _STATES.get(parts.get("state", ""), parts.get("state"))})
    for pattern, korean in _PREFIXES:
        if (match := re.fullmatch(pattern, reason)) and (rest := _in_korean(match["rest"])):
            return korean.format(**match.groupdict() | {"rest": rest})
    return None
