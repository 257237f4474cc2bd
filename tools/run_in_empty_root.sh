#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows that a static executable needs nothing: runs it in a root directory that holds nothing but itself and
# settings that would make a guest's libc and OpenSSL load shared objects, and sees that it asks for none.
#   tools/run_in_empty_root.sh EXECUTABLE [ARGUMENT]...
# Needs strace, and root or unprivileged user namespaces.
set -euo pipefail

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -m 755 "$1" "$root/program"
shift

mkdir -p "$root/etc" "$root/usr/lib/ssl"
# glibc reads this file even where every database is pinned, but must not follow it.
printf '%s: nonesuch files\n' passwd group hosts services networks >"$root/etc/nsswitch.conf"
echo 'probe:x:0:0:::' >"$root/etc/passwd"
echo '127.0.0.1 probe.test' >"$root/etc/hosts"
echo 'https 443/tcp' >"$root/etc/services"
cat >"$root/usr/lib/ssl/openssl.cnf" <<'EOF'
openssl_conf = hostile
[hostile]
providers = list
[list]
legacy = section
[section]
activate = 1
module = /legacy.so
EOF

become=()
[ "$(id -u)" -eq 0 ] || become=(unshare --map-root-user)
# strace stays outside; of its own steps (finding chroot and its libraries) nothing counts before the program's start.
strace -f -o "$root/trace" "${become[@]}" chroot "$root" /program "$@"
after=$(sed -n '/execve("\/program"/,$p' "$root/trace")
[ -n "$after" ] || { echo "run_in_empty_root: the program's start is not in the trace" >&2; exit 1; }
if grep -E 'open(at)?\(.*(\.so|openssl\.cnf)' <<<"$after" >&2; then
    echo "run_in_empty_root: it looked for the guest's libraries or OpenSSL's settings" >&2
    exit 1
fi
