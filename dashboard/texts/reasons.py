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
    "not_collected": "저장된 시세가 없습니다. 표기(BRK-B, 005930.KS)를 확인하세요. 수집하지 않는 종목일 수도 있습니다",
    "price_too_old": "최신 시세가 {session} 것으로 너무 오래되어 계산에 쓰지 않습니다",
    "other_currency_owned": "{given}로 적혀 있지만 저장된 시세는 {stored}입니다. "
    "거래소를 붙여 적거나(SAP.DE, 005930.KS) 통화를 빼세요",
    "other_line_left_out": "같은 종목의 다른 줄을 계산하지 않아 이 종목은 매매하지 않습니다",
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
    "state_unknown": "{session}까지 출처에 하나도 없음",
    # A holding, and why it was chosen or not.
    "best_of_etfs": "{etfs}의 상위 {top}개 보유 종목 중 {days}거래일 동안 가장 좋았습니다: "
    "미국 달러 수익률 {gain:+.2%}, 시가총액 {market_cap:,.0f*1e-8}억 달러",
    "best_of_whole_etfs": "{etfs}의 모든 보유 종목 중 {days}거래일 동안 가장 좋았습니다: "
    "미국 달러 수익률 {gain:+.2%}, 시가총액 {market_cap:,.0f*1e-8}억 달러",
    "not_positive": "수익률 {gain:+.2f*100} %: 양수가 아닙니다",
    "returned_more": "{ticker}의 수익률이 더 높습니다 ({gain:+.2f*100} %)",
    "larger_holding": "{ticker}의 수익률이 같고 ETF 내 비중이 더 큽니다",
    "first_by_ticker": "{ticker}의 수익률과 비중이 같고 종목 코드가 앞섭니다",
    "earlier_holdings": "{etf}의 보유 종목은 {used} 자료입니다 ({reasons})",
    "no_holdings": "{etf}의 보유 종목이 저장되어 있지 않습니다",
    "short_list": "{day} 보유 종목 목록에 {listed}개뿐입니다. 그 전 목록에는 {usual}개까지 있었습니다",
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
    # 요청했으나 보여 줄 수 없는 것
    "no_choice": "{name}={chosen}: {allowed:, } 중에서 고르세요",
    "no_amount": "{name}={chosen}: 0보다 크고 {largest:,.0f} 이하인 수를 쓰세요 (예: {example:.0f})",
    "no_date": "{text}은(는) 날짜가 아닙니다: 2026-08-21처럼 YYYY-MM-DD로 쓰세요",
    "no_such_choice": "{names:, }은(는) 화면에서 고를 수 없습니다. 고를 수 있는 것: {allowed:, }",
    "no_view": "{path} 화면은 없습니다: {views:, } 중에서 고르세요",
    "no_weight_named": "주소에 비중이 없습니다: /evidence/NVDA?period=20&as_of=2026-08-21은 한 포트폴리오에서 NVDA의 "
    "비중입니다",
    "not_a_session": "{day}({weekday})은 {exchange} 거래일이 아닙니다: 가까운 거래일은 {before}과 {after}입니다",
    "outside_calendar": "{day}은 {exchange} 달력({first}~{last}) 밖입니다",
    "sessions_before_outside": "{session}의 {count}거래일 전은 {exchange} 달력({first}~{last}) 밖입니다",
    "not_over_yet": "{day} {exchange} 거래일은 아직 끝나지 않았습니다: 마지막으로 끝난 거래일은 {last}입니다",
    "no_bar_stored": "{ticker}의 시세가 저장되어 있지 않습니다",
    "nothing_stored": "{ticker}에 관해 저장된 것이 없습니다",
    "no_portfolio_of": "{session} 포트폴리오가 발표되지 않았습니다: 그 거래일의 다섯 단계를 실행하세요",
    "no_period_portfolio_of": "{session}의 {days}거래일 포트폴리오가 발표되지 않았습니다: "
    "그 거래일의 다섯 단계를 실행하세요",
    "no_period_portfolio_yet": "아직 발표된 {days}거래일 포트폴리오가 없습니다: 한 거래일의 다섯 단계를 실행하세요",
    "no_rebalance_of": "{session} 리밸런싱이 발표되지 않았습니다",
    "no_rebalance": "아직 발표된 리밸런싱이 없습니다: ./start.sh run rebalance가 최신 것을 발표합니다",
    "no_stock_prices_of": "{session}의 종목 시세가 저장되어 있지 않습니다: 그 거래일의 단계들을 실행하세요",
    "no_trending_of": "{session}의 추세 ETF가 발표되지 않았습니다: 그 거래일의 3단계를 실행하세요",
    "no_trending": "아직 발표된 추세 ETF가 없습니다: 한 거래일의 3단계를 실행하세요",
    "no_top_holdings_of": "{session} 기준 {etf}의 {days}거래일 상위 보유 종목이 분석되지 않았습니다: "
    "그 거래일에 대해 etf_top_holdings_analysis를 실행하세요",
    "no_top_holdings": "{etf}의 {days}거래일 상위 보유 종목이 아직 분석되지 않았습니다: "
    "한 거래일에 대해 etf_top_holdings_analysis를 실행하세요",
    "no_such_etf": "{ticker}은(는) 대상 ETF가 아닙니다: 대상은 {etfs:, }입니다",
    "no_such_etf_of_many": "{ticker}은(는) 대상 ETF {count}개에 들지 않습니다",
    "no_etf_but_alike": "{ticker}은(는) 대상 ETF {count}개에 들지 않습니다: 철자가 비슷한 것은 {alike:, }입니다",
    "no_such_sector": "{name} 업종은 없습니다: {sectors:, } 중에서 고르세요",
    "no_sectors_yet": "{name} 업종은 없습니다: 아직 저장된 업종이 없습니다",
    "lab_not_run": "저장된 판정이 없습니다: ./start.sh lab을 실행하면 판정합니다",
    "lab_not_run_by": "{session}까지의 시세로 판정한 것이 없습니다: ./start.sh lab을 실행하면 판정합니다",
    # Evidence that cannot be had.
    "portfolios_of": "{session} 포트폴리오",
    "monthly_portfolio_of": "{session} 월간 포트폴리오",
    "no_evidence_of": "{what}의 증거가 보관되어 있지 않습니다: 발표된 것이 없거나, 증거를 보관하기 전에 발표되었습니다",
    "no_revision": "{what}에는 {number}번째 개정이 없습니다: 최신은 {newest}번째입니다",
    "no_weight_of": "{session}의 {days}거래일 포트폴리오의 {revision}번째 개정에는 {ticker}의 비중이 없습니다 "
    "(보유 종목: {held:, })",
    "no_monthly_weight_of": "{session} 월간 포트폴리오의 {revision}번째 개정에는 {ticker}의 비중이 없습니다 "
    "(보유 종목: {held:, })",
    "no_link": "{chain} 증거 사슬에는 {position}번 연결이 없습니다: /evidence/head에 각 사슬의 최신 연결이 있습니다",
    "no_answer_kept": "다이제스트가 {digest}인 출처의 응답은 보관되어 있지 않습니다",
    "answer_not_unpacked": "보관된 응답 {digest}의 압축을 풀 수 없습니다: "
    "./start.sh verify가 변경된 것을 모두 알려 줍니다 (원문: {error})",
    "answer_changed": "보관된 응답 {digest}의 내용이 원래와 다릅니다: ./start.sh verify가 변경된 것을 모두 알려 줍니다",
    "link_changed": "{chain} 증거 사슬 {position}번 연결({job})의 행이 그 다이제스트와 다릅니다: "
    "./start.sh verify가 변경된 것을 알려 줍니다",
    # A parameter that cannot be used.
    "parameter": "{name}: {why}",
    "range_backwards": "시작일 from={start}이(가) 종료일 to={end}보다 늦습니다",
    "choose": "{allowed:, } 중에서 고르세요",
    "choose_sessions": "{allowed:, }거래일 중에서 고르세요",
    "at_least": "{least} 이상으로 쓰세요",
    "at_most": "{most:,} 이하로 쓰세요",
    "more_than": "{least}보다 크게 쓰세요",
    "too_long": "{most:,}자 이하로 쓰세요",
    "no_number": "{given}은(는) 수가 아닙니다",
    "no_whole_number": "{given}은(는) 정수가 아닙니다",
    "no_truth": "{given}은(는) true도 false도 아닙니다",
    "no_text": "글자로 쓰세요",
    "not_given": "값이 없습니다",
    "given_twice": "값이 두 번 이상 주어졌습니다",
    "no_parameter": "이 경로에 없는 매개변수입니다. 쓸 수 있는 것: {offered:, }",
    "no_parameters": "이 경로에는 매개변수가 없습니다",
    "no_json": "본문이 JSON이 아닙니다",
    "unusable_value": "쓸 수 없는 값입니다 (원문: {message})",
    "not_written": "{given}은(는) {form} 형식이 아닙니다",
    "a_ticker": "종목 코드(예: NVDA, 005930.KS, KRW=X)",
    "a_sector": "업종(예: Technology)",
    "a_chain": "증거 사슬(예: publications)",
    "a_digest": "64자리 16진수 다이제스트",
    "some_positions": "보유 종목(예: NVDA:12.5,005930.KS:10:KRW)",
    # A request that is refused, and a database or an API that is away.
    "no_path": "{path} 경로는 없습니다: /docs에 모든 경로가 있습니다",
    "no_method": "{path}에는 이 방식으로 요청할 수 없습니다: /docs에 각 경로의 방식이 있습니다",
    "body_too_large": "{path}에 보낸 내용이 너무 큽니다",
    "http_status": "요청을 처리할 수 없습니다: HTTP {status} (원문: {phrase})",
    "failed_unexpectedly": "{path} 요청이 예기치 않게 실패했습니다: 자세한 내용은 API의 로그에 있습니다",
    "no_key": "{header} 헤더에 API 키를 보내세요",
    "keys_guessed": "이 네트워크에서 틀린 API 키가 너무 많이 왔습니다: {seconds}초 뒤에 다시 요청하세요",
    "no_host": "{host}은(는) 이 API의 이름이 아닙니다: ACTSTOCK_HOSTS에 이름이 있습니다",
    "no_format": "Accept: {accept}에 맞는 형식이 없습니다: 가능한 형식은 {offered:, }입니다",
    "database_unusable": "PostgreSQL({server})을 쓸 수 없습니다 (원문: {error})",
    "database_gone": "PostgreSQL과의 연결이 끊어졌습니다 (원문: {error})",
    "no_connection_free": "{seconds:g}초 안에 빈 데이터베이스 연결이 나지 않았습니다",
    "table_missing": "{table} 테이블이 없습니다: python -m database.migrate를 실행하세요",
    "tables_too_old": "테이블이 이전 버전입니다: python -m database.migrate를 실행하세요 (원문: {error})",
    "database_silent": "데이터베이스가 응답하지 않습니다",
    "database_not_asked": "데이터베이스에 아직 묻지 않았습니다",
    "database_not_watched": "데이터베이스를 지켜볼 수 없습니다: 이유는 API의 로그에 있습니다",
    "api_silent": "API({address})가 응답하지 않습니다 (원문: {error})",
    "api_status": "API의 응답 상태는 {status}입니다",
    "no_table": "{path}에는 {name} 표가 없습니다: {tables:, } 중에서 고르세요",
    "no_tables": "{path}에는 {name} 표가 없습니다: 이 화면에는 표가 없습니다",
    "weekday_0": "월요일",
    "weekday_1": "화요일",
    "weekday_2": "수요일",
    "weekday_3": "목요일",
    "weekday_4": "금요일",
    "weekday_5": "토요일",
    "weekday_6": "일요일",
    "no_rebalance_yet": "아직 발표된 리밸런싱이 없습니다: 첫 리밸런싱은 매월 마지막 일요일 다음입니다",
    "earlier_doubts": "이전의 확실하지 않은 시세가 반영되어 있습니다 ({reasons:, })",
    "many_earlier_doubts": "이전의 확실하지 않은 시세가 반영되어 있습니다 ({reasons:, } 외 {more}건)",
    "too_few_sessions": "{count}거래일을 따라갔습니다: 연간 수치에는 {needed}거래일이 필요합니다",
    # Bars and runs
    "several": "{reasons}",
    # Why a message is refused, or waits for a person.
    "not_a_message": "{kind} 형식이 아닙니다 (원문: {error})",
    "fetched_at_untrue": "{key}: 수집 시각 {fetched_at}은(는) 있을 수 없는 시각입니다",
    "day_untrue": "{key}: {day}은(는) {earliest}부터 수집일 {fetched_on} 사이의 날짜가 아닙니다",
    "holding_listed_twice": "{etf} {day}: 같은 보유 종목이 두 번 있습니다: {tickers}",
    "not_of_month": "{etf} {day}: {month_of}의 보유 종목일 수 없습니다",
    "postgres_refuses": "PostgreSQL이 받지 않습니다 (원문: {error})",
    "doubtful_bar": "{ticker} {session}: {doubt}; 실제로 맞는 시세라면 --accept로 승인해 주십시오",
    "quarantined": "{id}번: {reason}",
    "outside_range": "시가 {open:g}와 종가 {close:g}가 저가 {low:g} ~ 고가 {high:g} 범위를 벗어납니다",
    "close_moved": "액면 분할 없이 종가가 {step:+.1%} 움직였습니다 ({before:g} -> {after:g})",
    "close_moved_at_split": "액면 분할일에 종가가 {step:+.1%} 움직였습니다 ({before:g} -> {after:g})",
    # What the judgement of a series finds.
    "step": "액면 분할 없이 종가가 {step:+,.1%} 움직였습니다 ({before:g} -> {after:g}): {factor:.4g}배 하면 이어집니다",
    "step_at_split": "{ratio} 액면 분할일에 종가가 {step:+,.1%} 움직였습니다 ({before:g} -> {after:g}): "
    "{factor:.4g}배 하면 이어집니다",
    "split_unadjusted": "{ratio} 액면 분할일에 종가가 {step:+,.1%} 움직였습니다 ({before:g} -> {after:g}): "
    "이전 종가를 {factor:.6g}배 하면 이어지므로, 출처가 분할을 반영하지 않았을 수 있습니다",
    "shifted_later": "이어진 {count}거래일의 종가가 각각 그 전 거래일에 저장된 종가입니다",
    "shifted_earlier": "이어진 {count}거래일의 종가가 각각 그 다음 거래일에 저장된 종가입니다",
    "restated_stretch": "이어진 {count}거래일의 종가가 저장된 종가와 저마다 다른 비율로, 많게는 {change:+.1%} "
    "다릅니다: 다른 종목의 시세일 수 있습니다",
    "standstill": "{session}부터 종가 {close:g}이(가) 거래량 없이 되풀이됩니다",
    "twofold_close": "출처가 이 거래일을 두 번, 종가 {close:g}와(과) {other:g}(으)로 제시합니다",
    "begins_apart": "{session}의 저장된 시세에서 응답의 첫 시세까지 종가가 {step:+,.1%} 움직였고 "
    "응답에는 그 이전이 없습니다: 다른 종목의 시세일 수 있습니다",
    "dividend_share": "배당 {dividend:g}은(는) 전날 종가의 {share:.{digits}%}입니다",
    "close_falls": "종가는 {change:.{digits}%} 내렸습니다",
    "close_rises": "종가는 {change:.{digits}%} 올랐습니다",
    "large_dividend": "{dividend}, 그러나 {move}",
    "odd_dividend": "{dividend}, 이 종목의 다른 배당의 {times:,.0f}배입니다; {move}",
    "dividend_gone": "저장되어 있던 배당 {dividend:g}이(가) 출처의 응답에 더 이상 없습니다",
    "stale_adjustment": "{session}의 저장된 시세는 이전 수정 기준입니다",
    "stale_split": "{session}의 저장된 시세는 분할 이전 기준입니다",
    "adjusted_close_falls": "수정 종가가 {change:.{digits}%} 내렸습니다",
    "adjusted_close_rises": "수정 종가가 {change:.{digits}%} 올랐습니다",
    "without_dividend": "배당 없이 {move}",
    "beside_dividend": "{move}, {dividend}",
    "dividend_and_gain_share": "배당 {dividend:g}과 자본 이득 {gain:g}은(는) 전날 종가의 {share:.{digits}%}입니다",
    "adjusted_below_zero": "이전 수정 종가가 0보다 작습니다",
    "gain_left_out": "수정 종가에 전날 종가의 {share:.{digits}%}인 자본 이득 {gain:g}이(가) 반영되지 않았습니다. "
    "그러나 {move}",
    "other_rates": "출처의 응답이 저장된 환율의 {factor:.4g}배입니다",
    "contradicts": "출처의 응답이 저장된 종가 {count}건 중 {odd}건과 다릅니다: "
    "다른 종목의 시세이거나 하루 밀린 시세일 수 있습니다",
    "other_currency": "출처는 {given} 시세를 주지만 저장된 시세는 {stored}입니다",
    "other_unit": "모든 종가가 저장된 종가의 {factor:.4g}배인데, 그렇게 되는 액면 분할이 없습니다",
    # Why an expected bar is not there.
    "expected": "출처의 응답을 아직 받지 못했습니다",
    "not_stored_yet": "보냈지만 아직 저장되지 않았습니다",
    "no_bar_yet": "출처에 아직 시세가 없습니다",
    "no_bar_since": "{session} 이후로 출처에 시세가 없습니다: 상장 폐지되었거나 거래가 정지되었을 수 있습니다",
    "no_bar_later": "{sessions}거래일 뒤에도 출처에 시세가 없었습니다",
    "passed_over": "출처에 이후 시세는 있지만 이 시세는 없습니다",
    "no_range": "출처에 종가는 있지만 시가, 고가, 저가가 모두 있지는 않습니다",
    "refused": "거부됨: {reason}",
    "exchange_closed": "{exchange} 휴장일입니다",
    "no_session": "{exchanges}: 거래일이 아닙니다",
    "no_session_because": "{exchanges}: 거래일이 아닙니다 ({why})",
    "session_after_all": "거래일이지만 아직 요청하지 않았습니다",
    "bar_quarantined": "{session} 시세는 검토 대기 중입니다: logs_consumer_error를 확인해 주십시오",
    "bar_refused": "{session} 시세가 거부되었습니다: {reason}",
    "no_bar_at_source": "출처에 {session} 시세가 없습니다",
    "no_bar_at_source_yet": "출처에 {session} 시세가 아직 없습니다",
    "add_exchange": "{reason}: config/exchanges.toml에 추가해 주십시오 (뉴욕의 종류주는 BRK-B처럼 하이픈으로 씁니다)",
    # What Yahoo answered.
    "yahoo_empty": "Yahoo의 응답이 비어 있습니다",
    "yahoo_said": "Yahoo가 자료를 주지 않고 이유를 알렸습니다 (원문: {said!r})",
    "yahoo_lacks": "Yahoo의 응답에 {what!r}이(가) 없습니다",
    "yahoo_unusable": "Yahoo의 응답을 쓸 수 없습니다 (원문: {kind}: {error})",
    "yahoo_module_unusable": "Yahoo의 {module}을(를) 쓸 수 없습니다 (원문: {found})",
    "yahoo_other_symbol": "Yahoo에 {ticker}을(를) 요청했지만 {other}에 대해 응답했습니다",
    "yahoo_other_interval": "Yahoo가 {interval} 간격의 시세로 응답했습니다",
    "yahoo_no_currency": "Yahoo가 통화를 알려 주지 않습니다 ({currency})",
    "yahoo_odd_unit": "Yahoo가 가격 단위를 {unit}(이)라고 하지만, 이 거래소에는 그런 가격이 없습니다",
    "yahoo_uneven": "Yahoo의 시세 배열이 날짜보다 짧거나 깁니다",
    "yahoo_nothing": "Yahoo에 해당 자료가 없습니다",
    "yahoo_unknown": "Yahoo가 {ticker!r}을(를) 모릅니다: 철자를 확인해 주십시오(BRK.B가 아니라 BRK-B). "
    "상장 폐지되었을 수도 있습니다",
    "yahoo_status": "Yahoo가 {ticker} 요청에 {status}(으)로 응답했습니다",
    "yahoo_status_said": "Yahoo가 {ticker} 요청에 {status}(으)로 응답했습니다 (원문: {said})",
    "tries": "{reason} ({tries}회 시도)",
    "no_list": "Yahoo에 보유 종목 목록이 없습니다",
    "empty_list": "Yahoo의 보유 종목 목록이 비어 있습니다",
    "no_holdings_listed": "Yahoo에 {etf}의 보유 종목이 없습니다",
    "line_left_out": "형식이 다른 줄을 제외했습니다: {line}",
    "without_symbol": "{name} 제외: 종목 코드가 없습니다",
    "no_ticker": "{name} 제외: 종목 코드가 아닙니다",
    "cash": "{name} 제외: 현금입니다",
    "untrue_share": "{name} 제외: ETF 내 비중이 {share}입니다",
    "no_share": "{name} 제외: 주식이 아닙니다",
    "in_percent": "펀드 안의 비중이 백분율로 되어 있어 100으로 나눴습니다",
    "added_up": "{ticker}이(가) 여러 번 있어 합쳤습니다",
    # What a run did, waits for, or failed of.
    "holdings_used": "{day} 자료를 씁니다",
    "no_holdings_stored": "저장된 자료도 없습니다",
    "collected": "{as_of}: 보낸 메시지 {sent:, }, Yahoo 요청 {requests}건",
    "sent_to": "{topic} {count}건",
    "nothing": "없음",
    "already_stored": "이미 저장됨: {names}",
    "more_already_stored": "이미 저장됨: {names} 외 {more}건",
    "bars_changed": "출처가 저장된 시세 {count}건을 변경했습니다",
    "disk_short": "{folder}의 디스크에 {free:,} MB만 남았습니다. "
    "{least:,} MB보다 적으면 수집하지 않습니다(DISK_FREE_MB). 공간을 확보하세요",
    "budget_spent": "Yahoo 하루 요청 {budget:,}건을 모두 썼거나 ETF 몫으로 남겨 두었습니다"
    "(YAHOO_REQUESTS_PER_DAY). 다음 날 차례가 됩니다",
    "postponed": "{count:,}개 종목은 다음 날을 기다립니다. 처음 것은 {tickers}입니다: {reason}",
    "goes_on_without": "{tickers} 없이 진행합니다",
    "no_trend": "추세 ETF가 없어 수집할 것이 없습니다",
    "no_trend_but_held": "추세 ETF가 없어 보유 중인 종목만 수집합니다",
    "nothing_absent": "지연되었거나 출처에 없거나 검토 대기 중인 시세가 없습니다",
    "indispensable": "{ticker}: {reason}. 모든 ETF를 이 종목과 비교하므로 더 진행하지 않습니다. 나머지는 보냈습니다. "
    "나중에 이 단계를 다시 실행해 주십시오.",
    "late_bars": "Yahoo에 {tickers}의 {session} 시세가 아직 없습니다. 나머지는 보냈습니다. "
    "나중에 다시 실행하면 이 종목만 요청합니다. accept_late로 이 시세 없이 진행할 수도 있습니다.",
    "rows_not_stored": "보낸 행 {count}건이 저장되지 않았습니다: {rows}. {found}",
    "rejected_message": "{ticker} — logs_consumer_error {reason}",
    "no_rejection": "logs_consumer_error에는 기록이 없습니다",
    "not_stored_in_time": "`collect`가 보낸 것이 {seconds:.0f}초 안에 PostgreSQL에 저장되지 않았습니다: "
    "컨슈머의 상태와 로그, logs_consumer_error 테이블을 확인해 주십시오",
    "topic_made_anew": "토픽 {topic}이(가) 삭제된 뒤 다시 만들어져, 보낸 것이 없어졌을 수 있습니다: "
    "다음 시도에서 다시 요청합니다",
    "no_benchmark_price": "{days:, }의 {benchmark} 시세가 없습니다: 먼저 수집해 주십시오 "
    "(1단계, daily_benchmark_etf_collection)",
    "stage_3_not_published": "3단계가 {session}을(를) 발표하지 않았습니다: "
    "먼저 daily_trending_etf_analysis를 실행해 주십시오",
    "no_stock_price": "{session} 시세가 있는 종목이 없습니다: 먼저 수집해 주십시오 "
    "(4단계, daily_trending_etf_holdings_collection)",
    "stage_5_not_published": "5단계가 {day}까지의 마지막 거래일 {session}을(를) 발표하지 않았습니다: "
    "먼저 daily_portfolio_allocation을 실행해 주십시오",
    "days_skipped": "요청한 날 중 {count}일을 발표하지 못했습니다: {reasons:; }",
    "history_goes_on": "{sessions}거래일 산출 중, {steps}단계 중 {step}단계: "
    "지금까지 {done}거래일의 포트폴리오가 있습니다",
    "history_done": "{sessions}거래일 중 {done}거래일의 포트폴리오가 있습니다",
    "history_interrupted": "중단되었습니다. 다시 시작하면 이어서 진행합니다",
    "unexpected": "예기치 않은 오류가 났습니다 (원문: {kind}: {message})",
    "took_too_long": "실행이 제한 시간을 넘었습니다",
    "deadlocked": "시작할 수 있는 작업이 남아 있지 않습니다",
    "no_word": "작업이 사유 없이 끝났습니다: Airflow의 로그를 확인해 주십시오",
    # The lab's verdict, and what else it has to say.
    "lab_edge": "비용 {cost} bp 이하에서 우위가 있습니다: {sessions}거래일 동안 {variant:, } 규칙이 {benchmark}보다 "
    "높았으며, 시도한 {variants}개 규칙을 모두 감안한 결과입니다 (p = {p_value})",
    "lab_no_edge": "우위가 확인되지 않습니다: {sessions}거래일 동안 {variants}개 규칙 중 어느 것도 비용 없이도 "
    "{benchmark}를 우연으로 설명되는 것보다 앞서지 못했습니다 (p = {p_value})",
    "lab_no_edge_held": "우위가 확인되지 않습니다: {sessions}거래일 동안 {variants}개 규칙 중 가장 좋은 것은 우연으로 "
    "설명되는 것보다 {benchmark}를 앞섰지만 (p = {p_value}), 과거에 가장 좋았던 규칙이 그 뒤에는 비용 없이도 앞서지 "
    "못했습니다 (보유 구간의 연 샤프 비율 {sharpe})",
    "lab_not_enough_data": "자료가 부족합니다: 판단할 수 있는 거래일이 {sessions}일이며, 실제 연간 샤프 비율 "
    "{sharpe}을 확인하려면 {needed}일이 필요합니다. {more}일을 더 저장해야 합니다",
    "lab_gaps": "{first}부터 {last} 사이에 {benchmark}의 종가가 없는 거래일이 {sessions}일 있습니다: 그동안은 마지막 "
    "종가를 유지하고, 그 종가가 필요한 수익률로는 결정하지 않습니다",
    "lab_seed_too": "기본 규칙의 ETF 부분만으로도 비용 {cost} bp 이하에서 이 우위가 있습니다",
    "lab_seed_not": "기본 규칙의 ETF 부분만으로는 어떤 비용에서도 우위가 확인되지 않습니다",
    "lab_whole_too": "기본 규칙 전체에도 비용 {cost} bp 이하에서 종목 부분의 우위가 있습니다",
    "lab_whole_not": "기본 규칙 전체의 우위는 어떤 비용에서도 확인되지 않습니다",
    "lab_stocks_apart": "종목 부분은 보유 종목이 알려진 뒤의 {sessions}거래일로 따로 판정하며, 그 안의 "
    "{variants}개 규칙을 모두 감안합니다. 두 판정 각각이 우연히 우위로 나올 확률은 5 % 이하입니다",
    "lab_stocks_later": "종목 부분과 기본 규칙 전체는 {more}거래일을 더 저장하면 판정할 수 있습니다",
    "lab_hindsight": "{variants}개 규칙은 나중에 알려진 보유 종목을 사용하므로 판정에서 제외합니다",
    "lab_left_out": "{variants}개 규칙은 거래일이 부족하거나 보유 종목이 없어 이 시세로 산출할 수 없습니다",
    "lab_period": "{sessions}거래일",
    "lab_period_skip": "{sessions}거래일 (최근 {skip}일 제외)",
    "lab_all": "전체",
    "lab_best": "상위 {count}개",
    "lab_seed_weights": "기본 비중",
    "lab_equal_weights": "동일 비중",
    "lab_cap_weights": "시가총액 비중",
    "lab_inverse_volatility_weights": "변동성 역수 비중",
    "lab_daily": "매일",
    "lab_weekly": "매주",
    "lab_monthly": "매월",
    "lab_max_position": "최대 {share:.0f*100} %",
    "lab_stocks": "종목",
    "lab_best_of_each": "ETF마다 최고 종목",
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
