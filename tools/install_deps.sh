#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Debian 12 lacks for a task, with apt alone. Costs nothing when everything is there.
#   tools/install_deps.sh [--missing] [build|test|fuzz|demo|store|waagent|lab]...     (none named: build)
#   build   compilers, libraries and checkers
#   test    what the tests start: filesystem tools, strace, a proxy, node for the blob store
#   fuzz    clang with libFuzzer
#   demo    what the demo needs: a compiler, the libraries, filesystem tools
#   store   what the blob store of the tests and the demo runs on
#   waagent what the VM agent needs, which the tests unpack themselves (tests/waagent/package.py)
#   lab     virtual machines
# With --missing it only prints what it would install.
set -euo pipefail

declare -A groups=(
    [build]="g++ cmake ninja-build ccache pkg-config python3 dpkg-dev patch git ca-certificates
        libssl-dev libboost-atomic-dev libboost-chrono-dev libboost-date-time-dev libboost-filesystem-dev
        libboost-random-dev libboost-regex-dev libboost-system-dev libboost-thread-dev
        libfmt-dev nlohmann-json3-dev libcli11-dev libcpprest-dev
        libgtest-dev libgmock-dev libbenchmark-dev libcryptsetup-dev libblkid-dev cryptsetup-bin
        autoconf automake libtool autopoint
        clang-format clang-tidy g++-mingw-w64-x86-64-posix"
    [test]="e2fsprogs xfsprogs btrfs-progs dosfstools ntfs-3g util-linux mount strace openssl procps iproute2 nodejs npm
        zip unzip kmod tinyproxy-bin cryptsetup-bin xz-utils jq xxd"
    [fuzz]="clang libclang-rt-14-dev"
    [demo]="g++ cmake ninja-build ccache pkg-config python3
        libssl-dev libboost-atomic-dev libboost-chrono-dev libboost-date-time-dev libboost-filesystem-dev
        libboost-random-dev libboost-regex-dev libboost-system-dev libboost-thread-dev
        libfmt-dev nlohmann-json3-dev libcli11-dev libcpprest-dev libgtest-dev libgmock-dev
        libcryptsetup-dev libblkid-dev
        e2fsprogs xfsprogs btrfs-progs util-linux mount procps openssl kmod"
    [store]="nodejs npm"
    [waagent]="python3 python3-distro python3-pkg-resources ca-certificates openssl iproute2 binutils"
    [lab]="qemu-system-x86 qemu-utils mmdebstrap busybox-static kmod cpio e2fsprogs cryptsetup-bin openssl
        gcc libc6-dev g++ python3"
)

only_tell=no
if [ "${1:-}" = --missing ]; then only_tell=yes; shift; fi
[ $# -gt 0 ] || set -- build
wanted=()
for group in "$@"; do
    [ -n "${groups[$group]:-}" ] || { echo "install_deps: no group '$group' (${!groups[*]})" >&2; exit 2; }
    # shellcheck disable=SC2206  # the words are wanted
    wanted+=(${groups[$group]})
done

declare -A present=()
while read -r state package; do
    [ "$state" != ii ] || present[$package]=1
done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
# Other builds of node bring npm along and refuse Debian's package of that name.
if command -v npm >/dev/null; then present[npm]=1; fi

missing=()
for package in "${wanted[@]}"; do
    if [ -z "${present[$package]:-}" ]; then
        missing+=("$package")
        present[$package]=1
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ $only_tell = yes ]; then echo "${missing[*]}"; exit 0; fi

echo "install_deps: installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install_deps: needs root, or sudo" >&2; exit 1; }
    as_root=(sudo)
fi
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lists of a fresh machine are empty, those of an old one may name files that are gone.
if ! install >"$log" 2>&1; then
    "${as_root[@]}" apt-get -q -o Acquire::Retries=3 update >>"$log" 2>&1 </dev/null
    if ! install >>"$log" 2>&1; then
        tail -n 30 "$log" >&2
        exit 1
    fi
fi
echo "install_deps: installed ${#missing[@]} packages"
