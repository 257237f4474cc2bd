#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks the newest source package NAME of this release of Debian into FOLDER/NAME, with Debian's patches applied.
#   tools/debian_source.sh NAME FOLDER       prints FOLDER/NAME
# Nothing is installed, root is not needed. What is there of that version already is kept.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -eq 2 ] || { sed -n '3,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
name=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd -P)

# shellcheck source=private_apt.sh
. "$here/private_apt.sh"
exec 9>"$folder/lock"
flock 9
private_index "$folder/index" "$(dpkg --print-architecture)"
refresh_index || { echo "debian_source: package index not reachable, see $index/update.log" >&2; exit 1; }
version=$(newest_source "$name")
[ -n "$version" ] || { echo "debian_source: there is no source package '$name'" >&2; exit 1; }
if [ "$(cat "$folder/$name.version" 2>/dev/null)" != "$version" ]; then
    rm -rf "${folder:?}/$name" "$folder/$name".version "$folder/download"
    mkdir "$folder/download"
    (cd "$folder/download" && apt-get "${apt[@]}" -q source --download-only --only-source "$version" >&2)
    dpkg-source -x "$folder"/download/*.dsc "$folder/$name" >&2
    rm -rf "$folder/download"
    echo "$version" >"$folder/$name.version"
fi
echo "$folder/$name"
