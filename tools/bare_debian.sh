#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command on a clean clone of HEAD in a bare Debian 12, as a build server would: as root, with CI=true,
# without a terminal or input.
#   tools/bare_debian.sh [--fresh] COMMAND...     for instance: tools/bare_debian.sh ./check --quick
#   tools/bare_debian.sh --remove
# The root is kept for the next time (its apt packages and build caches with it); --fresh makes a new one.
# Needs root and mmdebstrap. Mounts live in a mount namespace of their own and go with it.
# Environment: BARE_ROOT (default /var/tmp/stillpoint-bare), BARE_MIRROR (default: this machine's sources).
set -euo pipefail

root=${BARE_ROOT:-/var/tmp/stillpoint-bare}
repository=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)

remove() {
    # Nothing is mounted there outside a namespace that is gone; were it, --one-file-system would spare it.
    rm -rf --one-file-system "$root"
}
case ${1:-} in
    --remove) remove; exit 0 ;;
    --fresh) remove; shift ;;
esac
[ $# -gt 0 ] || { sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

if [ ! -e "$root/.complete" ]; then
    remove
    mmdebstrap --quiet --variant=apt --include=ca-certificates bookworm "$root" ${BARE_MIRROR:+"$BARE_MIRROR"}
    # A scratch root need not survive a power cut; unpacking with a sync per file takes minutes on a busy disk.
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/scratch"
    # Authorities that this machine trusts beyond Debian's own, such as its network's: npm and apt need them.
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null
    touch "$root/.complete"
fi

rm -rf "$root/src"
# Over a file:// URL git copies objects as over a network: no hard links or alternates into this repository.
git clone --quiet --no-checkout "file://$repository" "$root/src"
git -C "$root/src" checkout --quiet --detach "$(git -C "$repository" rev-parse HEAD)"
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true

# shellcheck disable=SC2016  # the inner shell expands these
exec unshare --mount --pid --fork --propagation private bash -c '
    set -e
    root=$1
    shift
    mount --bind "$root" "$root" # a mount point of its own: chroot programs look at "/" in mountinfo
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    exec chroot "$root" /usr/bin/env -i CI=true HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
        bash -c "cd /src && exec \"\$@\"" bash "$@" </dev/null
' bare "$root" "$@"
