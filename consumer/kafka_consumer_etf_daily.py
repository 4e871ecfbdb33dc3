"""Store ETF bars: etf-daily-data -> collected_daily_etf_ohlc."""

import sys

from config.config import Topic
from consumer.storing import run_consumer, upsert_by
from database.tables import DAILY_ETF_OHLC
from utils.messages import EtfDailyBar


def main() -> int:
    return run_consumer(Topic.ETF_DAILY, EtfDailyBar, upsert_by(DAILY_ETF_OHLC, "answer_digest"))


if __name__ == "__main__":
    sys.exit(main())
