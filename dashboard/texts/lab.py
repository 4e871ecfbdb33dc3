"""The lab's verdict, in Korean: the codes and parameters of utils.reasons.SENTENCES."""

from collections.abc import Mapping

KOREAN: Mapping[str, str] = {
    "lab_edge": "비용 {cost} bp 이하에서 우위가 있습니다: {sessions}거래일 동안 {variant} 규칙이 {benchmark}보다 "
    "높았으며, 시도한 {variants}개 규칙을 모두 감안한 결과입니다 (p = {p_value})",
    "lab_no_edge": "우위가 확인되지 않습니다: {sessions}거래일 동안 {variants}개 규칙 중 어느 것도 비용 없이도 "
    "{benchmark}를 우연으로 설명되는 것보다 앞서지 못했습니다 (p = {p_value})",
    "lab_not_enough_data": "자료가 부족합니다: 판단할 수 있는 거래일이 {sessions}일이며, 실제 연간 샤프 비율 "
    "{sharpe}을 확인하려면 {needed}일이 필요합니다. {more}일이 더 필요합니다",
    "lab_seed_too": "기본 규칙 자체도 비용 {cost} bp 이하에서 이 우위가 있습니다",
    "lab_seed_not": "기본 규칙 자체의 우위는 어떤 비용에서도 확인되지 않습니다",
    "lab_hindsight": "{variants}개 규칙은 나중에 알려진 보유 종목을 사용하므로 판정에서 제외합니다",
    "lab_left_out": "{variants}개 규칙은 거래일이 부족하거나 보유 종목이 없어 이 시세로 산출할 수 없습니다",
}
