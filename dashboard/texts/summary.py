"""The first things about a portfolio: what changed, how it has done, and whether the runs are well."""

from dashboard.texts import Text

CHANGED = Text("Changed since {day}", "{day} 이후 변화")
WHAT_CHANGED = Text("What changed", "변화")
NO_EARLIER = Text("There is no earlier session to compare with.", "비교할 이전 거래일이 없습니다.")
NOTHING_CHANGED = Text("The same stocks at the same weights.", "종목과 비중이 모두 그대로입니다.")
ENTERED = Text("In", "신규 편입")
LEFT = Text("Out", "편출")
UP_MOST = Text("Weight up most", "비중 증가")
DOWN_MOST = Text("Weight down most", "비중 감소")
POINTS = Text("{change} points", "{change}%p")
AND_MORE = Text("and {count} more", "외 {count}개")
MOVED = Text("{share} of the portfolio moves.", "포트폴리오의 {share}가 바뀝니다.")

DONE = Text("How it has done", "지금까지의 성과")
SPARKLINE = Text(
    "Value of the followed portfolio, net of cost, as a line over that of {benchmark}",
    "따라간 포트폴리오의 가치(비용 차감 후)와 {benchmark}를 함께 그린 선",
)

RUNS = Text("Is it current?", "최신 자료인가")
LAST_RUN = Text("Last run", "최근 실행")
OF_STAGES = Text("{done} of {all} stages", "{all}단계 중 {done}단계")
OF_SESSION = Text("session of {day}", "{day} 거래일")
NEXT_RUN = Text("Next run", "다음 실행")
HISTORY = Text("History", "과거 이력")
RUNS_AWAY = Text("The state of the runs cannot be read now.", "지금은 실행 상태를 읽을 수 없습니다.")
NO_RUN = Text("Nothing has run yet.", "아직 실행된 적이 없습니다.")

CONCENTRATED = Text(
    "{ticker} alone is {weight} of this portfolio, so its price decides most of the result. The rule knows no cap "
    "unless max_position_weight of config/universe.toml sets one.",
    "{ticker} 한 종목이 포트폴리오의 {weight}를 차지해 결과가 그 주가에 크게 좌우됩니다. "
    "config/universe.toml의 max_position_weight로 종목별 상한을 둘 수 있습니다.",
)
