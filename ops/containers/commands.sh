# The commands of ./start.sh on Docker Compose; sourced by it. Needs: $root, $state, say, die.
# shellcheck shell=bash disable=SC2154

env_file=${ACTSTOCK_ENV_FILE:-$root/.env}
# What the running containers were started with: market, project and ports. Later commands read it.
started=$state/run/containers.env
up_seconds=900
# What comes to an end. The others stay up, or come back.
one_shots='schema|upgrade-backup|topics|airflow-init|collector|cli'

containers_available() { docker compose version >/dev/null 2>&1 && timeout 10 docker info >/dev/null 2>&1; }

# for_docker PATH: one of this machine, as Docker takes it. On Windows Docker is no program of Bash: by itself Bash would
# write its arguments anew, and make another path of one inside a container (msys2.org/docs/filesystem-paths).
if command -v cygpath >/dev/null; then
    export MSYS2_ARG_CONV_EXCL='*'
    for_docker() { cygpath --mixed "$1"; }
else
    for_docker() { printf '%s' "$1"; }
fi

compose() { docker compose --project-directory "$(for_docker "$root")" --env-file "$(for_docker "$env_file")" "$@"; }

# line_of NAME: the lines of .env that set it, whatever blanks Docker Compose passes over, as a pattern.
line_of() { printf '^[[:space:]]*(export[[:space:]]+)?%s[[:space:]]*[=:][[:space:]]*' "$1"; }

# env_lines: those of .env, without the mark that Windows puts before a text.
env_lines() { LC_ALL=C sed $'1s/^\xef\xbb\xbf//; s/\r$//' "$env_file"; }

# value_of NAME: what the lines of standard input set it to, as Docker Compose reads them. The last one counts.
value_of() {
    local value
    value=$(LC_ALL=C sed -nE "s/$(line_of "$1")//p" | tail -n 1)
    case $value in
        \'*) value=${value#\'} value=${value%%\'*} ;;
        \"*) value=${value#\"} value=${value%%\"*} ;;
        *) value=${value%% #*} value=${value%"${value##*[![:space:]]}"} ;;
    esac
    printf '%s' "$value"
}

# chosen NAME: a setting as docker compose finds it, in the environment or else in .env.
chosen() {
    if [ -n "${!1+set}" ]; then
        printf '%s' "${!1}"
    elif [ -f "$env_file" ]; then
        env_lines | value_of "$1"
    fi
}

# path_on_host PATH: what Docker Compose makes of a path that a setting has.
path_on_host() {
    case $1 in
        '~' | '~/'*) printf '%s' "$HOME${1#'~'}" ;;
        /* | [A-Za-z]:*) printf '%s' "$1" ;;
        *) printf '%s' "$root/$1" ;;
    esac
}

# require_files: of what is not there Docker makes an empty folder, and of a name without a folder a volume.
require_files() {
    local setting file
    for setting in UNIVERSE_FILE UNIVERSE_CSV EXCHANGE_DAYS_FILE; do
        file=$(chosen "$setting")
        case $file in
            '' | *'$'*) continue ;; # the default, or what Docker Compose alone can fill in
            /* | ./* | ../* | '~/'* | [A-Za-z]:*) ;;
            *) die "$setting=$file: write it as ./$file, or with its whole path" ;;
        esac
        [ -f "$(path_on_host "$file")" ] || die "$setting=$file: there is no such file. Nothing was started"
    done
}

warn_of_open_ports() {
    local address
    address=$(chosen ACTSTOCK_BIND_INSIDE)
    case ${address:-127.0.0.1} in
        127.* | localhost | ::1 | '[::1]') ;;
        *) say "WARNING: ACTSTOCK_BIND_INSIDE=$address opens the databases, Kafka, ZooKeeper, Spark and the market server to a network.
  Nothing there is encrypted, and Spark's pages and the market server ask nobody for a login: put a firewall in front, or
  leave the setting out." ;;
    esac
}

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }

# secret_sizes: name and random bytes of each secret.
secret_sizes() { sed -nE '/^x-secrets:/,/^$/s/^  ([A-Z_]+): ([0-9]+).*/\1 \2/p' "$root/docker-compose.yml"; }

# published_ports: setting and port of each one, where it is a range its last one, too.
published_ports() {
    sed -nE 's/.*\$\{(PORT_[A-Z_]+):-([0-9]+)(-([0-9]+))?\}.*/\1 \2 \4/p' "$root/docker-compose.yml" | sort -u
}

# written NAME=VALUE: the line of .env, as env_line of ops/native/stack_secrets.py writes it.
written() {
    local name=${1%%=*} value=${1#*=}
    case $value in
        *['$#']* | [[:space:]\'\"]* | *[[:space:]]) ;;
        *) printf '%s' "$1" && return ;;
    esac
    case $value in
        *\'* | *\\) printf '%s="%s"' "$name" "$(sed 's/[\\"$]/\\&/g' <<<"$value")" ;;
        *) printf "%s='%s'" "$name" "$value" ;;
    esac
}

# A secret of one's own becomes a part of an address, a header and a line of a file (config/secret_rule.py).
own_secret='^[A-Za-z0-9_-]{12,}$'
fernet_key='^[A-Za-z0-9_-]{43}=$'

# check_settings NAME=VALUE ...: refuse what .env cannot hold, before anything is written.
check_settings() {
    local setting secrets LC_ALL=C
    secrets=$(secret_sizes)
    for setting; do
        [[ $setting =~ ^[A-Z][A-Z0-9_]*= ]] || die "env: write a setting as NAME=VALUE, not $setting; .env.example lists them"
        # Docker Compose takes a quote behind a backslash for a part of the value.
        [[ $setting != *[$'\n\r\'"']* && $setting != *\\ ]] ||
            die "env: the value of ${setting%%=*} may have no quotes, no line break and no backslash at its end"
        case $'\n'$secrets in *$'\n'"${setting%%=*} "*) check_secret "${setting%%=*}" "${setting#*=}" ;; esac
    done
}

# check_secret NAME VALUE
check_secret() {
    if [ "$1" = AIRFLOW_FERNET_KEY ]; then
        [[ $2 =~ $fernet_key ]] || die "env: AIRFLOW_FERNET_KEY is 32 bytes in base64, with - and _: leave it out, and one is made up"
    else
        [[ $2 =~ $own_secret ]] || die "env: $1: give at least 12 letters, digits, - and _"
    fi
}

# write_env NAME=VALUE ...: .env with these settings, each once, and nothing else: a secret made up here would go before
# that of a native platform whose folder is elsewhere. write_env alone: with the secrets that docker-compose.yml asks for
# and that it does not have yet. A native platform's secrets are taken over: its users keep their key and password.
write_env() {
    local name size value setting lines made=()
    check_settings "$@"
    lines=$(env_lines 2>/dev/null || echo '# Secrets of the containers (./start.sh env), and your settings: see .env.example')
    while read -r name size; do
        [ -z "$(value_of "$name" <<<"$lines")" ] || continue
        lines=$(grep -avE "$(line_of "$name")" <<<"$lines" || true)
        value=$(sed -n "s/^$name=//p" "$state/secrets.env" 2>/dev/null || true)
        case $value in
            '') lines+=$'\n'"$name=$(made_up "$name" "$size")" ;;
            [\'\"]*) lines+=$'\n'"$name=$value" ;; # quoted already
            *) lines+=$'\n'$(written "$name=$value") ;;
        esac
        made+=("$name")
    done < <([ $# -gt 0 ] || secret_sizes)
    for setting; do
        lines=$(grep -avE "$(line_of "${setting%%=*}")" <<<"$lines" || true)$'\n'$(written "$setting")
        made+=("${setting%%=*}")
    done
    [ ${#made[@]} -gt 0 ] || return 0
    # Written beside it and renamed: a full disk or Ctrl-C leaves the old file whole.
    if ! { (umask 077 && printf '%s\n' "$lines" >"$env_file.new") && mv "$env_file.new" "$env_file"; }; then
        die "$env_file could not be written: is the disk full, or the folder read-only?"
    fi
    say "Wrote to $env_file: ${made[*]}"
}

made_up() {
    local value
    value=$(random "$2")
    [ "$1" != AIRFLOW_FERNET_KEY ] || value+='=' # Airflow decodes it, which takes base64 with its padding
    printf '%s' "$value"
}

ports_by_offset() {
    local offset=${ACTSTOCK_PORT_OFFSET:-0} highest setting first last
    highest=$((65535 - $(published_ports | awk '{ print $NF }' | sort -n | tail -n 1)))
    { [[ $offset =~ ^[0-9]{1,5}$ ]] && offset=$((10#$offset)) && [ "$offset" -le "$highest" ]; } ||
        die "ACTSTOCK_PORT_OFFSET=$offset: give a whole number from 0 to $highest"
    [ "$offset" != 0 ] || return 0
    printf 'ACTSTOCK_PORT_OFFSET=%s\n' "$offset"
    while read -r setting first last; do
        printf '%s=%d%s\n' "$setting" $((first + offset)) "${last:+-$((last + offset))}"
    done < <(published_ports)
}

# market_of DEMO-ARGUMENTS: the settings of a platform on a market server. What one market said is never mixed with
# another's: each has a project, and so volumes, of its own.
market_of() {
    local label=simulated arguments='' folder=''
    while [ $# -gt 0 ]; do
        case $1 in
            --market=* | --seed=* | --until=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
            --quick) shift; continue ;; # says nothing of the market
            --market)
                [ -d "${2:-}" ] || die "--market ${2:-}: there is no such folder"
                [[ $2 != *$'\n'* ]] || die "--market: a folder's name is one line"
                folder=$(cd "$2" && pwd)
                label=recorded-$(printf '%s' "$folder" | sha256sum | cut -c 1-6)
                arguments='--market /market'
                ;;
            --seed) label=simulated-${2:-}; arguments+=" --seed ${2:-}" ;;
            --until) arguments+=" --until ${2:-}" ;;
            --etfs | --etfs=* | --stocks | --stocks=* | --holdings | --holdings=*)
                die "demo $1: an invented market of another size starts natively: ./start.sh demo --native $*"
                ;;
            *) die "demo does not know $1: ./start.sh demo --help" ;;
        esac
        shift 2 || die "demo: a value is missing after $1"
    done
    printf 'COMPOSE_PROJECT_NAME=%s-%s\n' "${COMPOSE_PROJECT_NAME:-actstock}" "$label"
    printf '%s\n' COMPOSE_PROFILES=demo YAHOO_BASE_URL=http://market-server:8090 YAHOO_PACE_SECONDS=0
    printf 'MARKET_SERVER_ARGS=%s\n' "${arguments# }"
    [ -z "$folder" ] || printf 'MARKET_FOLDER=%s\n' "$folder"
}

remember() {
    mkdir -p "$(dirname "$started")"
    cat >"$started"
}

# recall [FILE]: export what `remember` has written. Values are taken as they are: a folder may have any name.
recall() {
    local line
    while IFS= read -r line; do
        export "${line%%=*}=${line#*=}"
    done <"${1:-$started}"
}

is_running() { [ -n "$(timeout 10 docker ps --quiet --filter "label=com.docker.compose.project=${COMPOSE_PROJECT_NAME:-actstock}" 2>/dev/null)" ]; }

# adopt: take over what `docker compose up` has started; false where nothing of the platform runs in containers.
adopt() {
    local project=${COMPOSE_PROJECT_NAME:-actstock}
    [ ! -f "$started" ] || return 0
    command -v docker >/dev/null && [ -f "$env_file" ] || return 1
    is_running || return 1
    printf 'COMPOSE_PROJECT_NAME=%s\n' "$project" | remember
}

has_volume() { docker volume inspect "${COMPOSE_PROJECT_NAME}_$1" >/dev/null 2>&1; }

# Volumes that another major version of PostgreSQL has filled are left as they are: the service says so, and what to do.
require_this_postgres() {
    local service
    for service in postgres airflow-db; do
        if has_volume "$service-data"; then
            compose run --rm --no-deps --quiet-pull --no-TTY "$service" true ||
                { rm -f "$started" && die "nothing was started"; }
        fi
    done
}

containers_up() {
    local began=$SECONDS services
    recall
    warn_of_open_ports
    require_this_postgres
    say "Starting the platform in containers (project $COMPOSE_PROJECT_NAME); the first start builds the images"
    show_plan
    compose up --detach --build --quiet-pull ||
        die "Not everything started. Taken port: ACTSTOCK_PORT_OFFSET=1000 ./start.sh moves all of them. Else: ./start.sh logs SERVICE, then ./start.sh again"
    # One-shots have ended or still fill the history; the services stay.
    mapfile -t services < <(compose config --services | grep -vxE "$one_shots")
    compose up --detach --no-build --no-recreate --wait --wait-timeout "$up_seconds" "${services[@]}" ||
        die "Not everything is healthy: ./start.sh status, ./start.sh logs SERVICE, then ./start.sh again"
    wait_for_history
    say "Up in $((SECONDS - began)) s. ./start.sh status shows the addresses, ./start.sh stop ends it."
}

# The requests that a start on Yahoo itself will make. A market server may be asked as often as one likes.
show_plan() {
    [ -z "$(chosen YAHOO_BASE_URL)" ] || return 0
    # cli has the scheduler's image, and is in a profile of its own.
    { compose build airflow-scheduler && in_cli plan; } || die "the plan of requests could not be made: see above"
}

wait_for_history() {
    local id code
    id=$(compose ps --all --quiet collector)
    say "Waiting for the collector to fill the history (nothing to do when it is there)"
    code=$(docker wait "$id")
    [ "$code" = 0 ] || die "the collector ended with code $code: $(compose logs --no-log-prefix --tail 1 collector)"
}

# The file that a command is given, as options of `docker compose run`.
given=()

# in_cli COMMAND ...: a command of `python -m ops`, in a container that sees the platform from inside.
in_cli() {
    local terminal=()
    [ -t 1 ] || terminal=(--no-TTY)
    compose run --rm --no-deps --quiet-pull "${terminal[@]}" "${given[@]+"${given[@]}"}" cli "$@"
}

# in_cli_with OPTION COMMAND ...: the same with the file of this machine that an option names. The container's user may
# not read it where it lies, so a copy is what it sees.
in_cli_with() {
    local option=$1 file='' words=() name
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            "$option"=*) file=${1#*=} ;;
            "$option") file=${2:?"$option wants a file"}; shift ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    if [ -n "$file" ]; then
        [ -f "$file" ] || die "$option $file: there is no such file"
        name=$(basename "$file" | tr : _) # which would end the name of what is mounted
        copy=$(mktemp "$state/run/given.XXXXXX")
        trap 'rm -f "$copy"' EXIT
        cp -- "$file" "$copy" && chmod 644 "$copy"
        given=(--volume "$(for_docker "$copy"):/given/$name:ro")
        words+=("$option" "/given/$name")
    fi
    in_cli "${words[@]}"
}

containers_exec() {
    [ $# -gt 0 ] || die "exec wants a command: ./start.sh exec python -m consumer.replay_errors"
    compose run --rm --no-deps --entrypoint '' cli "$@"
}

# The file of extra days is this machine's: the container writes it as its user, where it lies.
containers_closed_days() {
    local file folder
    file=$(chosen EXCHANGE_DAYS_FILE)
    file=$(path_on_host "${file:-./config/exchange_days.csv}")
    folder=$(cd "$(dirname "$file")" && pwd) || die "EXCHANGE_DAYS_FILE=$file: there is no such folder"
    compose run --rm --no-deps --quiet-pull --user "$(id -u):$(id -g)" --volume "$(for_docker "$folder"):/exchange-days" \
        --env "EXCHANGE_DAYS_FILE=/exchange-days/$(basename "$file")" cli closed-days "$@"
}

# In the service that makes the daily ones, as whoever asks: the file is theirs, and .env is read.
containers_backup() {
    local file=${1:-} folder
    [ $# -eq 1 ] || die "backup wants one file: ./start.sh backup FILE"
    folder=$(cd "$(dirname "$file")" 2>/dev/null && pwd) || die "backup: there is no folder $(dirname "$file")"
    compose run --rm --no-deps --quiet-pull --user "$(id -u):$(id -g)" --volume "$(for_docker "$folder"):/backup" \
        --volume "$(for_docker "$(cd "$(dirname "$env_file")" && pwd)/$(basename "$env_file")"):/run/settings.env:ro" \
        --env ENV_FILE_SEEN=/run/settings.env backup python -m ops.backup.command "/backup/$(basename "$file")"
}

# The servers of the version that has filled the volumes, under the services' names: a backup brings its data over.
old_postgres=postgres:15.17-bookworm

# What a database's container ends with on them.
other_version=3

old_server() { printf '%s' "$COMPOSE_PROJECT_NAME-$1-15"; }

has_old_postgres() {
    export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-actstock}
    { [ -f "$env_file" ] && has_volume postgres-data; } || return 1
    write_env # what an .env of before does not have yet: docker-compose.yml asks for it
    local code=0
    compose run --rm --no-deps --quiet-pull --no-TTY postgres true >/dev/null 2>&1 || code=$?
    [ "$code" = "$other_version" ]
}

backup_old_postgres() {
    local service
    say "The volumes have PostgreSQL 15's data: its own server is started for the backup"
    compose build --quiet backup || die "the image could not be built"
    trap stop_old_postgres EXIT
    for service in postgres airflow-db; do
        docker run --detach --rm --name "$(old_server "$service")" --network "${COMPOSE_PROJECT_NAME}_back" \
            --network-alias "$service" --user postgres --cap-drop ALL --security-opt no-new-privileges \
            --volume "${COMPOSE_PROJECT_NAME}_$service-data:/var/lib/postgresql/data" "$old_postgres" >/dev/null ||
            die "PostgreSQL 15 did not start"
    done
    for service in postgres airflow-db; do
        wait_for_server "$(old_server "$service")"
    done
    containers_backup "$@"
}

wait_for_server() {
    local second
    for ((second = 0; second < 60; second++)); do
        ! docker exec "$1" pg_isready --quiet --host=127.0.0.1 2>/dev/null || return 0
        sleep 1
    done
    die "$1 does not answer: docker logs $1"
}

stop_old_postgres() {
    local service
    for service in postgres airflow-db; do
        docker stop "$(old_server "$service")" >/dev/null 2>&1 || true
    done
}

# in_restore ARGUMENTS: a step of the restore, as whoever asks, with the checkout's own universe to compare with.
in_restore() {
    local terminal=()
    [ -t 0 ] && [ -t 1 ] || terminal=(--no-TTY)
    UNIVERSE_FILE='' UNIVERSE_CSV='' EXCHANGE_DAYS_FILE='' compose run --rm --no-deps --quiet-pull "${terminal[@]}" \
        --user "$(id -u):$(id -g)" --volume "$(for_docker "$backup_folder"):/backup:ro" \
        --volume "$(for_docker "$restored"):/restored" \
        backup python -m ops.backup.containers "$1" "/backup/$backup_name" "${@:2}"
}

# How far a restore is (reading, filling, restored), the volumes that were there before, and whether old data are set aside.
restore_step=
volumes_before=
volumes_are_known=
set_aside=

had_volume() { grep -qxF -- "${COMPOSE_PROJECT_NAME}_$1" <<<"$volumes_before"; }

# remove_new_volumes: those of the project that the restore has made. `compose run` makes all of them, and a new server keeps
# the password that it is made with, which may not be that of the next try.
remove_new_volumes() {
    local volume
    [ -n "$volumes_are_known" ] || return 0
    for volume in $(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
        grep -qxF -- "$volume" <<<"$volumes_before" || docker volume rm "$volume" >/dev/null || true
    done
}

# end_restore: what a restore leaves that has ended before its end, for whatever reason: what was there, and nothing running.
end_restore() {
    trap '' INT TERM HUP
    if [ "$restore_step" = filling ]; then
        if [ -n "$set_aside" ]; then
            compose stop >&2 || true
            for_old_data put_back >&2 || say "The data of PostgreSQL 15 could not be put back: restore once more"
        fi
        compose down >&2 || true
    fi
    [ "$restore_step" != restored ] || return 0
    remove_new_volumes
    rm -rf "$restored"
}

interrupt_restore() {
    trap '' INT TERM HUP
    case $restore_step in
        restored) say "Interrupted: all is restored, and ./start.sh --docker goes on with the start" ;;
        filling) say "Interrupted: what was there is kept. To restore it, begin once more" ;;
        *) say "Interrupted: nothing was replaced" ;;
    esac
    exit "$1"
}

# containers_restore FILE [--yes]: the databases are filled beside the old ones, and .env is replaced last.
containers_restore() {
    local word file='' agreed=() real_env=$env_file market replaced=() here=() moved
    for word; do
        case $word in
            --yes) agreed=(--yes) ;;
            -*) die "restore does not know $word: ./start.sh restore --help" ;;
            *) file=$word ;;
        esac
    done
    [ -f "$file" ] || die "restore: there is no file $file"
    ! adopt || die "the platform is running in containers: ./start.sh stop, then restore"
    backup_folder=$(cd "$(dirname "$file")" && pwd)
    backup_name=$(basename "$file")
    restored=$state/run/restored
    restore_step=reading
    trap end_restore EXIT
    trap 'interrupt_restore 130' INT
    trap 'interrupt_restore 143' TERM HUP
    rm -rf "$restored"
    (umask 077 && mkdir -p "$restored")
    # docker-compose.yml asks for secrets, also of a machine that has none yet: these are for reading the backup alone.
    [ -f "$env_file" ] || { env_file=$restored/reading.env && write_env 2>/dev/null; }
    export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-actstock}
    volumes_before=$(docker volume ls --quiet) || die "Docker does not say which volumes there are"
    volumes_are_known=yes
    say "Reading $file; the first time the image is built"
    compose build --quiet backup || die "the image could not be built"
    market=$(in_restore market </dev/null) || exit 1
    remove_new_volumes # of a project that may be another one than the market's
    if [ -n "$market" ]; then
        mapfile -t market <<<"$market"
        market_of "${market[@]}" >"$restored/wanted.env" || exit 1
    else
        printf 'COMPOSE_PROJECT_NAME=%s\n' "$COMPOSE_PROJECT_NAME" >"$restored/wanted.env"
    fi
    ports_by_offset >>"$restored/wanted.env"
    recall "$restored/wanted.env"

    [ ! -f "$real_env" ] || replaced+=(--replaces "$real_env")
    if had_volume postgres-data; then
        replaced+=(--replaces "the databases in the volumes of $COMPOSE_PROJECT_NAME")
        [ ! -f "$real_env" ] || { cp "$real_env" "$restored/here.env" && here=(--here /restored/here.env); }
    fi
    in_restore ready --project "$COMPOSE_PROJECT_NAME" "${here[@]}" "${replaced[@]}" --folder /restored \
        --lies "$(for_docker "$state/config")" "${agreed[@]}" || exit 1

    env_file=$restored/env
    chmod 600 "$env_file"
    write_env
    restore_step=filling
    set_aside=perhaps
    moved=$(for_old_data set_aside) || die "the data of PostgreSQL 15 could not be set aside. Nothing was replaced"
    set_aside=$moved
    ACTSTOCK_RESTORING=1 compose up --detach --build --quiet-pull --wait --wait-timeout "$up_seconds" postgres airflow-db kafka || {
        compose logs --no-log-prefix --tail 3 postgres airflow-db kafka >&2
        die "the databases or Kafka did not start. Nothing was replaced"
    }
    in_restore fill </dev/null || die "nothing was replaced"
    trap '' INT TERM HUP # from here on it is the new state, which takes a moment
    [ -z "$set_aside" ] || for_old_data keep || die "the data of PostgreSQL 15 could not be kept: restore once more"
    put_restored "$real_env"
    remember <"$restored/wanted.env"
    rm -r "$restored"
    restore_step=restored
    trap 'interrupt_restore 130' INT
    trap 'interrupt_restore 143' TERM HUP
    containers_up
    in_cli status
}

# What PostgreSQL 15 has left in a volume goes to a folder of its own there: the public image of 18 would refuse to start.
# The mark `restoring` in it stays until the restore has ended, so that another one, or end_restore, knows of it.
old_data_steps='
    cd /var/lib/postgresql
    aside=before-$PG_MAJOR
    set_aside() {
        if [ -s PG_VERSION ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
            mkdir -p "$aside" && touch "$aside/restoring"
        fi
        [ -e "$aside/restoring" ] || exit 0
        rm -rf "$PG_MAJOR" # of a restore that was killed
        find . -mindepth 1 -maxdepth 1 ! -name "$aside" -exec mv -t "$aside" {} +
        echo "set aside"
    }
    put_back() {
        [ -e "$aside/restoring" ] || exit 0
        rm -rf "$PG_MAJOR"
        find "$aside" -mindepth 1 -maxdepth 1 ! -name restoring -exec mv -t . {} +
        rm "$aside/restoring" && rmdir "$aside"
    }
    keep() {
        [ -e "$aside/restoring" ] || exit 0
        rm "$aside/restoring"
        echo "What PostgreSQL $(cat "$aside/PG_VERSION") had is kept in $aside of its volume"
    }
    "$1"'

# for_old_data set_aside|put_back|keep: in each volume of a database that was there before.
for_old_data() {
    local service
    for service in postgres airflow-db; do
        ! had_volume "$service-data" ||
            compose run --rm --no-deps --quiet-pull --no-TTY --entrypoint bash "$service" -euc "$old_data_steps" old-data "$1" ||
            return 1
    done
}

# put_restored ENV_FILE: the files in their places. An .env of before is kept beside it.
put_restored() {
    local path
    mkdir -p "$state/config"
    for path in "$restored"/config/*; do
        [ ! -f "$path" ] || mv "$path" "$state/config/"
    done
    [ ! -f "$1" ] || cp -p "$1" "$1.before-restore-$(date -u +%Y%m%dT%H%M%S)"
    mv "$restored/env" "$1"
    env_file=$1
}

# Made anew, as many as there are, so that what .env says now is what they get.
containers_restart() {
    local service count scale=()
    [ $# -gt 0 ] || die "restart wants services: ./start.sh restart api"
    for service; do
        count=$(compose ps --quiet "$service" | wc -l)
        [ "$count" -lt 2 ] || scale+=(--scale "$service=$count")
    done
    compose up --detach --no-build --no-deps --force-recreate "${scale[@]+"${scale[@]}"}" "$@"
}

# As natively it ends with 1 when something that should be up is not.
containers_status() {
    local code=0
    compose ps --all --format 'table {{.Service}}\t{{.Status}}\t{{.Ports}}'
    all_well || code=1
    in_cli status || code=1
    return "$code"
}

# all_well: whether there are containers, and each is up and healthy, or is a one-shot that has ended well or is at work.
all_well() {
    local service state code health found=''
    while read -r service state code health; do
        found=1
        case $state/$health in
            running/ | running/healthy) ;;
            exited/*) [ "$code" = 0 ] && grep -qxE "$one_shots" <<<"$service" || return 1 ;;
            *) return 1 ;;
        esac
    done < <(compose ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}')
    [ -n "$found" ]
}

# A command of the front door on containers: up, demo and stop here, and whatever is about the pipeline inside.
containers_main() {
    local command=${1:-up}
    [ $# -eq 0 ] || shift
    case $command in
        env) write_env "$@" ;;
        up | demo)
            [ "$command" = demo ] || [ $# -eq 0 ] || die "up takes no options in containers; for some services alone: docker compose up --detach SERVICE"
            if [ "$command" = demo ]; then
                { market_of "$@" && ports_by_offset; } >"$state/run/wanted.env" || exit 1
            else
                { printf 'COMPOSE_PROJECT_NAME=%s\n' "${COMPOSE_PROJECT_NAME:-actstock}" && ports_by_offset; } >"$state/run/wanted.env"
            fi
            write_env
            require_files
            if [ -f "$started" ] && ! cmp -s "$started" "$state/run/wanted.env"; then
                die "the platform is running with other settings (market or ports): ./start.sh stop, then start again"
            fi
            remember <"$state/run/wanted.env"
            containers_up
            if [ "$command" = up ]; then
                in_cli status
            elif [[ " $* " == *" --quick "* ]]; then
                in_cli demo --quick
            else
                in_cli demo
            fi
            ;;
        restore) containers_restore "$@" ;;
        *)
            if [ "$command" = backup ] && [ ! -f "$started" ] && ! is_running && has_old_postgres; then
                backup_old_postgres "$@"
                return
            fi
            adopt || die "no containers of the platform are running: ./start.sh --docker starts them"
            recall
            case $command in
                status) containers_status ;;
                bench) die "bench measures native processes: ./start.sh stop, then demo --native. Its parts history, lab, chaos and soak bring their own: ./start.sh bench --native PART" ;;
                screenshots) die "screenshots needs a browser, which the containers do not have: ./start.sh stop, then ./start.sh demo --native" ;;
                stop) compose --profile '*' down && rm "$started" && say "Stopped. The data stays in Docker's volumes." ;;
                logs) containers_logs "$@" ;;
                restart) containers_restart "$@" ;;
                exec) containers_exec "$@" ;;
                closed-days) containers_closed_days "$@" ;;
                backup) containers_backup "$@" ;;
                verify) in_cli_with --kept verify "$@" ;;
                lab) in_cli_with --variants lab "$@" ;;
                *) in_cli "$command" "$@" ;;
            esac
            ;;
    esac
}

containers_logs() {
    local options=(--tail 50) services=()
    while [ $# -gt 0 ]; do
        case $1 in
            -n | --lines) options=(--tail "${2:?logs: how many lines?}"); shift ;;
            -f | --follow) options+=(--follow) ;;
            *) services+=("$1") ;;
        esac
        shift
    done
    compose logs --no-log-prefix "${options[@]}" "${services[@]}"
}
