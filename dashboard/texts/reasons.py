"""The jobs' reasons for leaving a candidate out, in the reader's language; one that is not known stays as it is."""

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
]


def reason_in(language: Language, reason: str) -> tuple[str, Language]:
    """The reason, and the language it is in.

    >>> reason_in("ko", "NEM returned more (+9.63 %)")
    ('NEM의 수익률이 더 높습니다 (+9.63 %)', 'ko')
    >>> reason_in("ko", "no price on 2026-07-24; no price on 2026-08-21")
    ('2026-07-24 시세가 없습니다; 2026-08-21 시세가 없습니다', 'ko')
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
            return korean.format(**match.groupdict())
    return None
