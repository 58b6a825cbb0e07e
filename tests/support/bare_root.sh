#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Proof that a bare Debian 12 is enough: a minimal root, the tree copied into it, and the commands
# of the README run inside it as a newcomer would. Needs root, debootstrap and the network.
#
#     tests/support/bare_root.sh [--keep] [--base FILE.tar]
#
# --keep leaves the root and says where it is. --base takes the minimal root from FILE.tar, or
# saves it there where there is no such file.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/root.sh"

say "making a minimal $release"
make_root
copy_tree
failed=()
step() {
    say "$1"
    inside /src/thetad/run "${@:2}" || failed+=("$1")
}

before=$(inside dpkg-query --show | wc -l)
step "./run test" test
step "./run demo" demo
step "./run demo again, everything being there" demo
say "$(($(inside dpkg-query --show | wc -l) - before)) packages were added to the root's $before"
left=$(find "$root/tmp" -mindepth 1)
[[ -z $left ]] || failed+=("left in /tmp: $left")
if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
say "all is well"
