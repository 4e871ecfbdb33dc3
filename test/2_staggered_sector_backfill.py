"""Fill the history of the sector ETFs.

    ./start.sh exec python test/2_staggered_sector_backfill.py --spacing 10

One ETF after another, `--spacing` seconds apart, through the producer, topic and consumer of stage 2. What is stored
costs no request: it can be interrupted and started again. At the end it says what is still missing.
"""

import sys

from collector.backfill import main

if __name__ == "__main__":
    sys.exit(main("sector", __doc__ or ""))
