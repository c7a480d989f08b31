#!/bin/sh
# Make a virtual environment: make-venv.sh PYTHON DIRECTORY.
# Where Debian has split `venv` off from Python, root gets it installed.
set -eu
python=$1
directory=$2

say() { echo "$*" >&2; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "postroom needs Python 3.11 or newer as $python; name another:"
    say "    make PYTHON=python3.13"
    exit 1
}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "$python comes without venv; on Debian or Ubuntu: apt-get install python3-venv"
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends python3-venv
fi

"$python" -m venv --clear "$directory"
