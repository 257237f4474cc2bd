#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The static libraries the release build links: a sysroot of Debian's own .a packages, and the few libraries
# that Debian ships only as shared objects, built from Debian's source packages.
#   third_party/build.sh [x86_64|arm64]      prints the prefix on the last line of its output
# Nothing is installed on the machine, root is not needed, no foreign architecture is added to dpkg. There is
# one prefix per hash of everything that went into it (versions, compiler, toolchain file, this folder);
# THIRD_PARTY_DIR/<architecture> names the newest. To add a library: one line in `packages` (Debian has the
# .a) or a name in `sources` and a function of that name below, then sp_third_party in cmake/dependencies.cmake.
# Environment: THIRD_PARTY_DIR (default ~/.cache/stillpoint/third-party), JOBS, REFRESH=1 (ask the package
# index again even if it was asked today).
# shellcheck disable=SC2086,SC2012,SC2317  # lists of words without spaces; functions called by name
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=${1:-x86_64}
jobs=${JOBS:-$(nproc)}
toolchain=$here/../cmake/static_linux.cmake
case $arch in
    x86_64) debian=amd64 triplet=x86_64-linux-gnu ;;
    arm64) debian=arm64 triplet=aarch64-linux-gnu ;;
    *) echo "third_party: unknown architecture '$arch'" >&2; exit 2 ;;
esac

packages=(
    libc6-dev linux-libc-dev
    libssl-dev
    libboost1.74-dev
    libboost-{atomic,chrono,date-time,filesystem,random,regex,system,thread}1.74-dev
    nlohmann-json3-dev libcli11-dev
    libblkid-dev uuid-dev libjson-c-dev libargon2-dev libpopt-dev
)
sources=(fmtlib lvm2 cryptsetup cpprest)

say() { printf 'third_party: %s\n' "$*" >&2; }

base=${THIRD_PARTY_DIR:-$HOME/.cache/stillpoint/third-party}
mkdir -p "$base/work"
base=$(cd "$base" && pwd -P)
work=$base/work/$arch
exec 9>"$work.lock"
flock 9 # two builds at once: the second waits, then finds everything done

# shellcheck source=../tools/private_apt.sh
. "$here/../tools/private_apt.sh"
private_index "$base/work/index-$arch" "$debian"
if ! refresh_index; then
    if [ -f "$base/$arch/.complete" ]; then
        say "package index not reachable, keeping what is there"
        readlink -f "$base/$arch"
        exit 0
    fi
    say "package index not reachable, see $index/update.log"
    exit 1
fi
versions=$(apt-cache "${apt[@]}" show --no-all-versions "${packages[@]}" |
    awk '/^Package:/ {name = $2} /^Version:/ {print name "=" $2}' | sort -u)
source_versions=$(for name in "${sources[@]}"; do newest_source "$name"; done)
if [ "$(wc -l <<<"$versions")" -ne ${#packages[@]} ]; then
    say "packages are missing; found only" $versions
    exit 1
fi
if [ "$(wc -l <<<"$source_versions")" -ne ${#sources[@]} ]; then
    say "source packages are missing; found only" $source_versions
    exit 1
fi

key=$({
    echo "$arch $versions $source_versions"
    "$triplet-g++" --version | head -n 1
    cat "${BASH_SOURCE[0]}" "$toolchain"
} | sha256sum | cut -c1-16)
prefix=$base/$arch-$key
done_with_prefix() {
    ln -sfn "$arch-$key" "$base/$arch"
    echo "$prefix"
    exit 0
}
[ ! -f "$prefix/.complete" ] || done_with_prefix

# --- the steps; each runs in a subshell of its own, with its own log
rm -rf "$prefix" "$work"
mkdir -p "$prefix" "$work"

sysroot() {
    cd "$index/download"
    rm -f ./*.deb
    apt-get "${apt[@]}" -q download $versions
    for package in ./*.deb; do dpkg-deb -x "$package" "$prefix"; done
    rm -f ./*.deb
    [ -e "$prefix/lib" ] || ln -s usr/lib "$prefix/lib"
    # Without a single .so in it, nothing can be linked dynamically by accident.
    find "$prefix" \( -name '*.so' -o -name '*.so.*' \) -delete
    # The licences stay: ./package puts them into what is shipped.
    find "$prefix/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "${prefix:?}"/usr/bin "${prefix:?}"/usr/share/man
}

fetch() {
    cd "$work"
    apt-get "${apt[@]}" -q source --download-only --only-source $source_versions
    for dsc in *.dsc; do dpkg-source -x "$dsc" "src-${dsc%%_*}"; done
    for name in "${sources[@]}"; do
        install -D -m 644 "src-$name/debian/copyright" "$prefix/usr/share/doc/$name/copyright"
    done
}

cmake_build() { # name, source folder, options
    local name=$1 folder=$2
    shift 2
    cmake -G Ninja -S "$folder" -B "$work/build-$name" -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
        -DSP_ARCH="$arch" -DSP_THIRD_PARTY_PREFIX="$prefix" -DCMAKE_BUILD_TYPE=MinSizeRel \
        -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_SHARED_LIBS=OFF "$@"
    cmake --build "$work/build-$name" -j "$jobs"
}

fmtlib() {
    cmake_build fmtlib "$work/src-fmtlib" -DFMT_TEST=OFF -DFMT_DOC=OFF
    DESTDIR=$prefix cmake --install "$work/build-fmtlib"
}

configure_build() { # folder of the source, then what configure is told; it links its test programs, too
    cd "$work/$1"
    shift
    [ -x configure ] || ./autogen.sh
    CC=$triplet-gcc PKG_CONFIG='pkg-config --static' PKG_CONFIG_PATH='' PKG_CONFIG_SYSROOT_DIR=$prefix \
        PKG_CONFIG_LIBDIR=$prefix/usr/lib/$triplet/pkgconfig:$prefix/usr/share/pkgconfig \
        CFLAGS="--sysroot=$prefix -Os -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2" \
        LDFLAGS="--sysroot=$prefix -static" LIBS='-lm -lpthread' \
        ./configure --host="$triplet" --prefix=/usr "$@"
}

lvm2() { # libdevmapper, without udev: good for asking the device mapper, not for setting up devices
    ac_cv_func_malloc_0_nonnull=yes ac_cv_func_realloc_0_nonnull=yes configure_build src-lvm2 \
        --enable-static_link --enable-pkgconfig --disable-selinux --disable-udev_sync --disable-udev_rules \
        --disable-readline --disable-nls --disable-dmeventd --without-thin --without-cache
    make -C include
    make -C libdm -j"$jobs" ioctl/libdevmapper.a
    install -m 644 libdm/ioctl/libdevmapper.a "$prefix/usr/lib/$triplet/"
    install -m 644 libdm/libdevmapper.pc "$prefix/usr/lib/$triplet/pkgconfig/"
    install -m 644 libdm/libdevmapper.h "$prefix/usr/include/"
}

cryptsetup() {
    cd "$work/src-cryptsetup"
    # Never load OpenSSL's legacy provider: it would be the guest's own shared object, with the guest's own libc.
    sed -i 's/OSSL_PROVIDER_try_load(ossl_ctx, "legacy", [01])/NULL/' lib/crypto_backend/crypto_openssl.c
    if grep -q '"legacy"' lib/crypto_backend/crypto_openssl.c; then exit 1; fi
    configure_build src-cryptsetup --disable-shared --enable-static \
        --with-crypto_backend=openssl --enable-libargon2 --disable-cryptsetup --disable-veritysetup \
        --disable-integritysetup --disable-ssh-token --disable-external-tokens --disable-asciidoc --disable-nls \
        --disable-udev --disable-selinux --with-tmpfilesdir=no
    make -j"$jobs" libcryptsetup.la
    install -m 644 .libs/libcryptsetup.a "$prefix/usr/lib/$triplet/"
    install -m 644 lib/libcryptsetup.h "$prefix/usr/include/"
}

cpprest() { # its own install step would also install a CMake package that names this machine's folders
    cmake_build cpprest "$work/src-cpprest/Release" -DBUILD_TESTS=OFF -DBUILD_SAMPLES=OFF -DWERROR=OFF \
        -DCPPREST_EXCLUDE_WEBSOCKETS=ON -DCPPREST_EXCLUDE_COMPRESSION=ON \
        -DBoost_USE_STATIC_LIBS=ON -DBoost_NO_BOOST_CMAKE=ON -DOPENSSL_USE_STATIC_LIBS=ON
    find "$work/build-cpprest" -name libcpprest.a -exec install -m 644 {} "$prefix/usr/lib/$triplet/" ';'
    cp -r "$work"/src-cpprest/Release/include/{cpprest,pplx} "$prefix/usr/include/"
}

for step in sysroot fetch "${sources[@]}"; do
    began=$SECONDS
    # In the background and waited for, because bash ignores `set -e` inside the condition of an if.
    ("$step") >"$work/$step.log" 2>&1 &
    if ! wait $!; then
        tail -n 20 "$work/$step.log" >&2
        say "$step failed, see $work/$step.log"
        exit 1
    fi
    say "$(printf '%-8s %4d s' "$step" $((SECONDS - began)))"
done
printf '%s\n' "$versions" "$source_versions" >"$prefix/VERSIONS"
rm -rf "$work"/src-* "$work"/build-* "$work"/*.tar.*
touch "$prefix/.complete"
# Other work trees may still use an older one; nobody needs more than a few.
for old in $(ls -dt "$base/$arch"-*/ | tail -n +4); do rm -rf "$old"; done
done_with_prefix
