"""The sectors in Korean, by the names of the source and of the ETFs: a name that is not known here stays as it is."""

KOREAN = {
    "Basic Materials": "소재",
    "Communication": "커뮤니케이션 서비스",
    "Communication Services": "커뮤니케이션 서비스",
    "Consumer Cyclical": "경기소비재",
    "Consumer Defensive": "필수소비재",
    "Energy": "에너지",
    "Financial": "금융",
    "Financial Services": "금융",
    "Healthcare": "헬스케어",
    "Industrial": "산업재",
    "Industrials": "산업재",
    "Real Estate": "부동산",
    "Technology": "기술",
    "Utilities": "유틸리티",
}
