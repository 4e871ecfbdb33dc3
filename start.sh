#!/usr/bin/env bash
# The front door: the platform in containers where Docker is asked for or available, else as native processes, for
# which it makes the Python environment once and hands over to `python -m ops`. See ./start.sh --help
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${ACTSTOCK_HOME:-$root/.actstock}
venv=$root/.actstock/venv
lock=$root/requirements/native.txt
# Written last, so that a half-finished installation is taken up again.
stamp=$venv/installed-from.sha256
needed_mb=3000
wanted=$(sha256sum <"$lock")

say() { printf '%s\n' "$*" >&2; }
die() { say "start.sh: $*"; exit 1; }

is_installed() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; }

# Whether a platform of this folder runs, wherever its state is. By standard input, since grep would find its own words.
is_in_use() { grep -qszxF -f - /proc/[0-9]*/cmdline <<<"$(cd "$root" && pwd -P)/.actstock/venv/bin/supervisord"; }

is_python_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3 python; do
        if [ -n "$candidate" ] && is_python_311 "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 is needed and was looked for as python3.11, python3 and python in PATH.
  Debian 12: apt-get install python3 python3-venv    Elsewhere: install 3.11, or name it: PYTHON=/path/to/python3.11 ./start.sh"
}

check_disk() {
    local free_mb
    free_mb=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$needed_mb" ] ||
        die "$root has $free_mb MB free; the installation needs $needed_mb MB. Make room there, or move the checkout."
}

make_venv() {
    local python
    python=$(find_python)
    say "Creating the Python environment in $venv with $python"
    if ! "$python" -m venv --clear "$venv" >"$root/.actstock/venv.log" 2>&1; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "Installing Debian's python3-venv: this Python cannot make environments without it"
            { apt-get update && apt-get install -y --no-install-recommends python3-venv; } \
                >>"$root/.actstock/venv.log" 2>&1 && "$python" -m venv --clear "$venv" && return
        fi
        die "$python cannot make a virtual environment: $(tail -n 1 "$root/.actstock/venv.log")
  Debian: sudo apt-get install python3-venv, then start again. Details: .actstock/venv.log"
    fi
}

install_packages() {
    say "Installing $(grep -c == "$lock") Python packages from requirements/native.txt (Airflow, Spark, PostgreSQL, ...;" \
        "1.2 GB, a minute or two): $1"
    local quiet=--quiet
    [ ! -t 2 ] || quiet=--color=auto # somebody is watching: show how it goes
    # uv is several times faster than pip, which does as well where uv has no build. No resolving: the lock is complete.
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv &&
        "$venv/bin/python" -m uv pip install $quiet --python "$venv/bin/python" --compile-bytecode --no-deps -r "$lock"; then
        return
    fi
    say "uv did not manage it; once more with pip"
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps -r "$lock" ||
        die "the Python packages could not be installed; the lines above say why.
  Needed: a package index (network, or pip's own settings) and $needed_mb MB in $root. Then start again: it goes on where it stopped."
}

install() {
    mkdir -p "$root/.actstock"
    exec 9>"$root/.actstock/install.lock"
    flock -n 9 || { say "Another start.sh is installing; waiting for it"; flock 9; }
    ! is_installed || return 0
    check_disk
    local why="first start"
    [ ! -f "$stamp" ] || why="requirements/native.txt has changed"
    is_python_311 "$venv/bin/python" || make_venv
    install_packages "$why"
    printf '%s\n' "$wanted" >"$stamp"
    exec 9>&-
}

asks_for_help() {
    local argument
    [ "${1:-}" != exec ] || return 1 # its words are another command's
    for argument; do
        case $argument in -h | --help) return 0 ;; esac
    done
    return 1
}

# Nothing is installed or built to be told what there is: the command line needs the standard library alone.
without_installation() { PYTHONPATH=$root PYTHONDONTWRITEBYTECODE=1 "$(find_python)" "$@"; }

help_without_installation() {
    if find_python >/dev/null 2>&1; then
        without_installation -m ops "$@"
    else
        sed -n '/generated: commands/,/<!-- end/{/^<!--/!p}' "$root/QUICK_REFERENCE.md"
    fi
}

# Nor for a command that is written wrongly, or that asks about a platform which was never started.
check_before_installation() {
    without_installation -c 'import sys; from ops.cli import understood; understood(sys.argv[1:])' "$@"
    case ${1:-up} in
        up | demo | restore | install | test | bench | plan) ;;
        *) [ -f "$stamp" ] || die "the platform in $state is not running: ./start.sh starts it" ;;
    esac
}

# shellcheck source=ops/containers/commands.sh
. "$root/ops/containers/commands.sh"

# Containers or native processes? What was asked for, else what runs already, else for a start whether Docker is there.
mode=
arguments=()
for argument; do
    case $argument in
        --docker | --native) mode=${argument#--} ;;
        *) arguments+=("$argument") ;;
    esac
done
set -- "${arguments[@]+"${arguments[@]}"}"
case ${1:-up} in
    env) mode=docker ;;
    test | install) mode=native ;;
esac
if asks_for_help "$@"; then
    if ! is_installed; then
        help_without_installation "$@"
        exit
    fi
    mode=native
fi
if [ -z "$mode" ]; then
    if [ -f "$started" ]; then
        mode=docker
    elif [ -f "$state/run/stack.json" ]; then
        mode=native
    else
        case ${1:-up} in
            up | demo | restore) ! containers_available || mode=docker ;;
            *) ! adopt || mode=docker ;;
        esac
    fi
fi
if [ "$mode" = docker ]; then
    [ "${1:-}" = env ] || containers_available || die "Docker with Compose v2 does not answer here: start it, or use --native (no Docker needed)"
    mkdir -p "$state/run"
    containers_main "$@"
    exit
fi

if [ "${1:-}" = stop ] && [ -f "$stamp" ] && [ -x "$venv/bin/python" ]; then
    : # what runs is stopped with the packages that it runs with
elif ! is_installed || [ ! -x "$venv/bin/python" ]; then
    check_before_installation "$@"
    ! is_in_use || die "the platform is running in another version, with other packages, than the one in this folder:
  ./start.sh stop (with its ACTSTOCK_HOME, where it has one), then start again"
    install
fi

export PYTHONPATH="$root"
exec "$venv/bin/python" -m ops "$@"
