# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A minimal Debian 12 in a scratch folder, for the scripts beside this one, which source it with
# their arguments. --keep leaves the root and says where it is. --base takes the minimal root from
# FILE.tar, or saves it there where there is no such file. Sets `tree`, `release` and `root`.

tree=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
release=bookworm
keep=
base=
while (($#)); do
    case $1 in
    --keep) keep=yes ;;
    --base) base=${2:?"--base needs a file"} && shift ;;
    *) echo "usage: ${0##*/} [--keep] [--base FILE.tar]" >&2 && exit 64 ;;
    esac
    shift
done
((EUID == 0)) || { echo "${0##*/}: only root can make a root" >&2 && exit 77; }

root=$(mktemp -d -t thetad-root.XXXXXX)
clean_up() {
    if [[ $keep ]]; then
        echo "the root is in $root"
    else
        rm -rf --one-file-system "$root"
    fi
}
trap clean_up EXIT

say() {
    printf '== %s (%d s)\n' "$*" $SECONDS
}

# The mirror that this machine uses itself.
mirror() {
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(SITE)' 'Created-By: Packages' |
        awk -v release=$release '$1 == "Debian" && $2 == release { print $3; exit }'
}

# make_root [PACKAGE...]: with these beyond the least there can be.
make_root() {
    if [[ $base && -f $base ]]; then
        tar -xpf "$base" -C "$root"
        chmod 755 "$root"
        return
    fi
    local log=$root.log include
    include=$(IFS=, && echo "$*")
    if ! debootstrap --variant=minbase ${include:+"--include=$include"} $release "$root" \
        "$(mirror)" >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
    chmod 755 "$root"  # mktemp's is root's alone, and within it services are others
    if [[ $base ]]; then tar -cpf "$base" -C "$root" .; fi
}

# The tree as it is, what is not committed too, at /src/thetad of the root.
copy_tree() {
    mkdir -p "$root/src/thetad"
    git -C "$tree" ls-files -z --cached --others --exclude-standard |
        tar -C "$tree" --null --files-from=- --ignore-failed-read -cf - |
        tar -C "$root/src/thetad" -xf -
    cp /etc/resolv.conf "$root/etc/resolv.conf"
}

# inside COMMAND...: in the root, with nothing on stdin, mounts and processes in namespaces of their
# own. What it leaves running is an error.
inside() {
    unshare --mount --pid --fork --kill-child bash -c '
        set -e
        root=$1 && shift
        mount -t proc proc "$root/proc"
        mount -t tmpfs tmpfs "$root/dev/shm"
        code=0
        chroot "$root" env -i HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
            "$@" </dev/null || code=$?
        left=
        for pid in "$root"/proc/[0-9]*; do
            pid=${pid##*/}
            [[ $pid = $$ ]] || left+=" $(tr "\0" " " <"$root/proc/$pid/cmdline")"
        done
        [[ -z $left ]] || { echo "left running:$left" >&2; exit 1; }
        exit $code
    ' inside "$root" "$@"
}
