#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The unit under a real systemd: a minimal Debian 12 in which thetad is installed is booted in a
# container, and real_systemd.py, as a service there, has the daemon serve, be stopped, hang, be
# confined, reload and end. Needs root, debootstrap, systemd-container and the network.
#
#     tests/support/real_systemd.sh [--keep] [--base FILE.tar]
#
# --keep leaves the root and says where it is. --base takes the minimal root from FILE.tar, or
# saves it there where there is no such file. The container has no network but its own loopback.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/root.sh"
packages=(systemd systemd-sysv libzmq5 libgsl27 liblmdb0 libsodium23 libmsgpackc2 libinih1
    libjansson4 libcsv3 libpq5 libmicrohttpd12 python3 python3-cffi-backend python3-zmq
    python3-msgpack)

# build FOLDER OPTION...: all of it, as it is installed
build() {
    local log=$root.log
    if ! { cmake -S "$tree" -B "$tree/build/$1" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DTHETAD_TESTS=OFF "${@:2}" && nice cmake --build "$tree/build/$1"; } >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
}

install_all() {
    build release
    DESTDIR=$root cmake --install "$tree/build/release" --prefix /usr >/dev/null
    build stuck -DTHETAD_PLANTED=ON
    install -D "$tree/build/stuck/engine/thetad" "$root/opt/stuck/thetad"
    mkdir -p "$root/opt/test"
    cp -r "$tree/clients/python/thetad" "$tree/tests/support/real_systemd.py" "$root/opt/test/"
    cat >"$root/etc/systemd/system/thetad-test.service" <<'UNIT'
[Unit]
After=basic.target
OnSuccess=poweroff.target
OnFailure=poweroff.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=600
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -u /opt/test/real_systemd.py
StandardOutput=append:/opt/test/log
StandardError=append:/opt/test/log
[Install]
WantedBy=multi-user.target
UNIT
    ln -s ../thetad-test.service \
        "$root/etc/systemd/system/multi-user.target.wants/thetad-test.service"
}

say "making a minimal $release"
make_root "${packages[@]}"
say "building and installing"
install_all
say "booting"
timeout --kill-after=10 600 systemd-nspawn --quiet --boot --directory="$root" --keep-unit \
    --register=no --private-network --link-journal=no </dev/null >"$root/opt/test/console" 2>&1 ||
    true
if ! grep -q '^all is well' "$root/opt/test/log"; then
    tail -n 30 "$root/opt/test/console" >&2
    cat "$root/opt/test/log" >&2 || true
    exit 1
fi
cat "$root/opt/test/log"
say "all is well"
