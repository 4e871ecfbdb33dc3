"""Store ETF bars: etf-daily-data -> collected_daily_etf_ohlc."""

import sys
from collections.abc import Sequence

from config.config import Topic
from consumer.storing import run_consumer, upsert_by
from database.tables import DAILY_ETF_OHLC
from utils.command_line import require_no_arguments
from utils.messages import EtfDailyBar


def main(arguments: Sequence[str] | None = None) -> int:
    require_no_arguments(__doc__, arguments)
    return run_consumer(Topic.ETF_DAILY, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"))


if __name__ == "__main__":
    sys.exit(main())
