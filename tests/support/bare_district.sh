#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Proof that `./run district` brings all that it needs to a bare Debian 12 and leaves nothing behind
# but packages and build/: no process, no service that Debian has started or would start, no
# database, no file. Once as root where no systemd runs, as in a container for programs, and once on
# a machine that systemd has booted, as a user who may use sudo. Needs root, debootstrap,
# systemd-container and the network.
#
#     tests/support/bare_district.sh [--keep] [--base FILE.tar]
#
# --keep leaves the root of the second and says where it is. --base takes the minimal root from
# FILE.tar, or saves it there where there is no such file.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/root.sh"
trap 'clean_up; rm -f "$root.tar"' EXIT
[[ $base ]] || base=$root.tar

files_of_tree() {
    (cd "$root/src/thetad" && find . -path ./build -prune -o -type f -print | sort)
}

fresh_root() {
    find "$root" -mindepth 1 -delete
    make_root systemd systemd-sysv sudo
    copy_tree
    files=$(files_of_tree)
}

failed=()
wrong() {
    failed+=("$1")
    say "$1"
}

# check LOG: what the drill said, and what it has left in the root.
check() {
    cat "$1"
    tail -n 1 "$1" | grep -q '^audit: .*: lost 0, .*requests that failed: 0' ||
        wrong "it does not end with an audit in which nothing is lost"
    local left
    left=$(find "$root/tmp" "$root/var/tmp" -mindepth 1 ! -path '*systemd-private*' \
        ! -name '.*-unix' 2>/dev/null || true)
    [[ -z $left ]] || wrong "left in /tmp: $left"
    left=$(compgen -G "$root/etc/postgresql/*/*" || compgen -G "$root/var/lib/postgresql/*/*" ||
        true)
    [[ -z $left ]] || wrong "a database of Debian's own: $left"
    left=$(find "$root"/etc/rc?.d/S*haproxy \
        "$root"/etc/systemd/system/*.wants/haproxy.service 2>/dev/null || true)
    [[ -z $left ]] || wrong "Debian would start its balancer: $left"
    left=$(diff <(echo "$files") <(files_of_tree) || true)
    [[ -z $left ]] || wrong "the tree is another: $left"
}

# The second: the drill as a service, which says what runs when it is over.
boot() {
    cat >"$root/opt/drill" <<'DRILL'
#!/bin/bash
exec >/opt/log 2>&1 </dev/null
runuser --login newcomer --command '/src/thetad/run district'
code=$?
{
    echo "ended with $code"
    grep -hE '^(thetad?|postgres|haproxy|python3?)$' /proc/[0-9]*/comm || true
    systemctl --no-legend --plain --state=active list-units 'haproxy*' 'postgresql@*'
    systemctl --no-legend --plain --state=failed list-units
} >/opt/left
systemctl --force poweroff
DRILL
    cat >"$root/etc/systemd/system/drill.service" <<'UNIT'
[Unit]
After=basic.target
[Service]
ExecStart=/bin/bash /opt/drill
[Install]
WantedBy=multi-user.target
UNIT
    ln -s ../drill.service "$root/etc/systemd/system/multi-user.target.wants/drill.service"
    timeout --kill-after=10 1800 systemd-nspawn --quiet --boot --directory="$root" --keep-unit \
        --register=no --resolv-conf=off --link-journal=no </dev/null >"$root/opt/console" 2>&1 ||
        true
}

say "as root, without systemd"
fresh_root
inside /src/thetad/run district >"$root/opt/log" 2>&1 || wrong "as root it ended with $?"
check "$root/opt/log"

say "booted, as a user with sudo"
fresh_root
inside /bin/sh -c 'useradd --create-home newcomer && chown -R newcomer: /src/thetad &&
    echo "newcomer ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/newcomer'
boot
[[ -f $root/opt/left ]] || { tail -n 30 "$root/opt/console" >&2; wrong "it did not end"; }
check "$root/opt/log"
[[ $(<"$root/opt/left") == "ended with 0" ]] || wrong "$(<"$root/opt/left")"

if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
say "all is well"
