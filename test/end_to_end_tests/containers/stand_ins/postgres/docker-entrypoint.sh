#!/usr/bin/env bash
# As much of the public image's contract as a compose file uses: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and
# /docker-entrypoint-initdb.d for an empty data folder, as the user postgres.
set -euo pipefail

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi
# The public image listens on every address, and has its socket here.
here=(-c "listen_addresses=*" -c unix_socket_directories=/var/run/postgresql)

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    mkdir -p "$PGDATA"
    initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-host=scram-sha-256 --auth-local=trust >&2
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start >&2
    if [ "$database" != postgres ]; then
        psql --username "$user" --dbname postgres -v ON_ERROR_STOP=1 --set db="$database" <<<'CREATE DATABASE :"db";'
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) "$script" ;;
            *.sql) psql --username "$user" --dbname "$database" -v ON_ERROR_STOP=1 --file "$script" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop >&2
fi
exec "$@" "${here[@]}"
