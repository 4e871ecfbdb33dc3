"""Store stock bars and exchange rates: stock-daily-data -> collected_daily_stock_history."""

import sys
from collections.abc import Sequence

from config.config import Topic
from consumer.storing import run_consumer, upsert_by
from database.tables import DAILY_STOCK_HISTORY
from utils.command_line import require_no_arguments
from utils.messages import StockDailyBar


def main(arguments: Sequence[str] | None = None) -> int:
    require_no_arguments(__doc__, arguments)
    return run_consumer(
        Topic.STOCK_DAILY, StockDailyBar, upsert_by(DAILY_STOCK_HISTORY, "answer_digest", "quote_digest")
    )


if __name__ == "__main__":
    sys.exit(main())
