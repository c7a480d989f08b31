#!/bin/sh
# Install the mail servers that the tests start for themselves, and start none of them;
# strace, which shows what is on disk and when; and systemd in a container.
# A Dovecot or Postfix that is already here stays as it is, and so does another MTA.
set -eu
PATH=$PATH:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d

absent() { ! command -v "$1" >/dev/null; }

# add PROGRAM PACKAGE...: install the packages if the program is absent.
add() {
    program=$1
    shift
    absent "$program" || return 0
    # --no-remove: Postfix must not push out another MTA that serves this machine.
    if apt-get -qq install --yes --no-install-recommends --no-remove "$@"; then
        # Nor shall it start when the machine does.
        absent systemctl || systemctl --quiet disable "$program" 2>/dev/null || true
    else
        echo "$program could not be installed: the tests that need it are skipped."
    fi
}

absent dovecot || absent postfix || absent strace || absent systemd-analyze ||
    absent systemd-nspawn || absent lintian || absent strip || exit 0

if [ "$(id -u)" != 0 ] || absent apt-get; then
    echo "Dovecot, Postfix, strace, systemd-nspawn or lintian is absent; installing takes"
    echo "root and apt-get."
    echo "The tests that need them are skipped, and named at the end."
    exit 0
fi

# A package starts its service when it is installed, unless this file says no (exit 101).
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
echo "postfix postfix/main_mailer_type select Local only" | debconf-set-selections
apt-get -qq update
add dovecot dovecot-imapd dovecot-lmtpd dovecot-pop3d
add postfix postfix
add strace strace
add systemd-analyze systemd
add systemd-nspawn systemd-container
add lintian lintian
add strip binutils
