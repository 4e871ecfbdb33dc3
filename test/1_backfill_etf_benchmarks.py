"""Fill the history of the benchmark ETFs.

    ./start.sh exec python test/1_backfill_etf_benchmarks.py --days 60

Through the producer, topic and consumer of stage 1. What is stored costs no request: it can be interrupted and started
again. At the end it says what is still missing.
"""

import sys

from collector.backfill import main

if __name__ == "__main__":
    sys.exit(main("benchmark", __doc__ or ""))
