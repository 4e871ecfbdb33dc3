# The Python services without a JVM: one target each for collector, consumer, dashboard, alerts and market server.
# Every version comes from requirements.txt, the lock that the native installation shares; a target names only what it imports.
FROM python:3.11.14-slim-bookworm AS base
# Of what threads have freed little is kept: eight arenas for each core are the default.
ENV MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/opt/app \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    TZ=UTC
WORKDIR /opt/app
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin actstock

FROM base AS storing
COPY requirements.txt /tmp/
RUN pip install --constraint /tmp/requirements.txt "kafka-python[crc32c,zstd]" msgspec psycopg2-binary
COPY config config
COPY utils utils
COPY contract contract
COPY database database

FROM storing AS consumer
RUN pip install --constraint /tmp/requirements.txt prometheus-client
COPY consumer consumer
USER 10001

FROM storing AS collector
RUN pip install --constraint /tmp/requirements.txt exchange-calendars pandas yfinance \
    && install -d -o actstock -g actstock /var/lib/actstock
ENV YAHOO_CACHE_DIR=/var/lib/actstock/yahoo
COPY collector collector
COPY consumer consumer
USER 10001
CMD ["python", "-m", "collector.bootstrap"]

FROM storing AS alerts
RUN pip install --constraint /tmp/requirements.txt apprise exchange-calendars pandas \
    && install -d -o actstock -g actstock /var/lib/alerts /var/lib/backup-state
COPY collector/__init__.py collector/source_clock.py collector/
COPY dashboard/__init__.py dashboard/
COPY dashboard/texts dashboard/texts
COPY alerts alerts
USER 10001
CMD ["python", "-m", "alerts.watcher"]

# Stands in for Yahoo in a demo. An image of its own, so that no service of a live platform carries invented prices.
FROM base AS market
COPY requirements.txt /tmp/
RUN pip install --constraint /tmp/requirements.txt exchange-calendars fastapi msgspec numpy orjson "uvicorn[standard]"
COPY config config
COPY utils utils
COPY market market
USER 10001
EXPOSE 8090
CMD ["python", "-m", "market.server", "--host", "0.0.0.0"]

FROM base AS dashboard
COPY requirements.txt /tmp/
RUN pip install --constraint /tmp/requirements.txt dash dash-ag-grid httpx msgspec numpy plotly waitress zstandard
COPY config config
COPY utils utils
COPY contract contract
COPY dashboard dashboard
USER 10001
EXPOSE 8050
CMD ["python", "-m", "dashboard.dashboard_finviz_app"]
