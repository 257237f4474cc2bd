# SPDX-License-Identifier: Apache-2.0
# A private view of Debian's package index, to be sourced: the machine's own sources for its release of Debian, with
# the source packages switched on and nothing counted as installed. Nothing of the machine's own apt is touched, root
# is not needed.
#   private_index FOLDER ARCHITECTURE     sets `index` and the options `apt`
#   refresh_index                         asks the index, at most once a day; 1 when it cannot be reached
#   newest_source NAME                    prints NAME=VERSION
# Environment: REFRESH=1 (ask again even if it was asked today).
# shellcheck shell=bash

private_index() {
    index=$1
    mkdir -p "$index"/{sources,lists/partial,cache/archives/partial,download}
    : >"$index/status"
    apt=(
        -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$index/sources"
        -o "Dir::State::lists=$index/lists" -o "Dir::State::status=$index/status"
        -o "Dir::Cache=$index/cache" -o "APT::Sandbox::User=root"
        -o "APT::Architecture=$2" -o "APT::Architectures::=$2"
        -o "Acquire::Languages=none" -o "Acquire::Retries=3"
    )
}

write_sources() {
    local codename file name
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    rm -f "$index"/sources/*
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do # the one-line format
        [ -f "$file" ] || continue
        name=$(basename "$file" .list)
        awk -v codename="$codename" '$1 == "deb" && index($0, codename) {
            gsub(/arch=[^] ]* ?/, ""); gsub(/\[ *\] */, ""); print; sub(/^deb/, "deb-src"); print
        }' "$file" >"$index/sources/$name.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do # the paragraph format
        [ -f "$file" ] || continue
        sed -e '/^#/d; /^Architectures:/d' -e 's/^Types:.*/Types: deb deb-src/' "$file" |
            awk -v RS= -v ORS='\n\n' -v codename="$codename" 'index($0, codename)' \
                >"$index/sources/$(basename "$file")"
    done
}

refresh_index() { # at most once a day: an offline build must work from what is cached
    if [ -z "${REFRESH:-}" ] && [ -n "$(find "$index/fresh" -mmin -1440 2>/dev/null)" ]; then
        return
    fi
    write_sources
    apt-get "${apt[@]}" -q update >"$index/update.log" 2>&1 || return 1
    touch "$index/fresh"
}

newest_source() { # name; apt-cache lists every version it knows
    local newest='' version
    for version in $(apt-cache "${apt[@]}" showsrc --only-source "$1" | awk '/^Version:/ {print $2}'); do
        if dpkg --compare-versions "$version" gt "${newest:-0~}"; then newest=$version; fi
    done
    [ -z "$newest" ] || echo "$1=$newest"
}
