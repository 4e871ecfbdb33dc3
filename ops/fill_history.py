"""Topics, metadata and the first history, up to the last session of the source: `python -m ops.fill_history`.

Yahoo's last session is the exchange's; a market server has a clock of its own.
"""

import os
import sys

from ops.market import last_session


def main() -> None:
    command = [sys.executable, "-m", "collector.bootstrap"]
    if os.environ["ACTSTOCK_MARKET"] != "yahoo":
        command += ["--as-of-date", last_session(os.environ["YAHOO_BASE_URL"]).isoformat()]
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
