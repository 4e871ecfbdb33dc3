"""Ask the webserver whether one of Airflow's processes is healthy: `python healthcheck.py COMPONENT`.

Airflow's own command takes seconds of processor time at every call.
"""

import json
import os
import sys
import urllib.request

TIMEOUT_SECONDS = 5


def main(component: str) -> int:
    base = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    with urllib.request.urlopen(f"{base}/api/v2/monitor/health", timeout=TIMEOUT_SECONDS) as answer:
        status = json.load(answer)[component]["status"]
    print(f"{component}: {status}")
    return 0 if status == "healthy" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
