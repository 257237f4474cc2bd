#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the guest of the lab: Debian 12 with systemd on a disk image, Debian's cloud kernel, a loader.
#   tests/lab/build.sh      prints its folder on the last line of its output
# Root, and what `tools/install_deps.sh lab` installs, are needed. The kernel is unpacked, never installed. There
# is one folder lab-<hash> per version of these sources, in LAB_DIR (default ~/.cache/stillpoint); old ones may be
# removed at any time.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=${LAB_DIR:-$HOME/.cache/stillpoint}

packages=systemd,systemd-sysv,udev,dbus,kmod,mount,procps,cron,fdisk
packages+=,lvm2,dmsetup,e2fsprogs,xfsprogs,btrfs-progs,dosfstools,cryptsetup-bin,sqlite3
# Nothing here is of use to a test, and each costs a second of an emulated boot.
masked=(apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
    e2scrub_reap.service getty.target getty@tty1.service serial-getty@ttyS0.service console-getty.service
    systemd-timesyncd.service systemd-networkd.service systemd-pstore.service systemd-logind.service
    systemd-user-sessions.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
    lvm2-monitor.service blk-availability.service)

hash_of() { cat "$@" | sha256sum | cut -c1-16; }
say() { printf 'lab: %s\n' "$*" >&2; }

mkdir -p "$base"
debian=$base/lab-debian-$(hash_of <<<"$packages")
lab=$base/lab-$(hash_of "$here"/build.sh "$here"/lab.py "$here"/guest/* "$here"/../scratch/writer.cpp)
exec 9>"$base/lab.lock"
flock 9 # two builds at once: the second waits, then finds everything done
[ ! -e "$lab/complete" ] || { echo "$lab"; exit; }
rm -rf --one-file-system "$lab"
mkdir -p "$lab/work"
trap 'rm -rf --one-file-system "$lab/work"' EXIT

fetch_debian() {
    local kernel
    say "fetching Debian 12 and its cloud kernel"
    rm -rf --one-file-system "$debian"
    mkdir -p "$debian"
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io bookworm "$debian/root.tar" >&2
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
    [ -n "$kernel" ] || { say "apt knows no cloud kernel: run apt-get update"; exit 1; }
    (cd "$debian" && apt-get -q -o APT::Sandbox::User=root download "$kernel" >&2)
    dpkg-deb -x "$debian/$kernel"_*.deb "$debian/kernel"
    rm "$debian/$kernel"_*.deb
    depmod -b "$debian/kernel" "$(ls "$debian/kernel/lib/modules")"
    touch "$debian/complete"
}

make_root() {
    local root=$lab/work/root unit lun link='SYMLINK+="disk/azure/scsi1/lun'
    mkdir "$root"
    tar -xpf "$debian/root.tar" -C "$root"
    cp -a "$debian/kernel/lib/modules" "$root/lib/"
    install -D -t "$root/lab" "$lab/work"/bin/*
    install -D -m 644 "$here/guest/labd.service" "$root/etc/systemd/system/labd.service"
    for unit in "${masked[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
    ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
    ln -sf /etc/systemd/system/labd.service "$root/etc/systemd/system/multi-user.target.wants/"
    printf '%s\n' virtio_console virtio_scsi sd_mod aesni-intel dm-mod dm-crypt xfs btrfs vfat nls_cp437 nls_ascii \
        >"$root/etc/modules-load.d/lab.conf"
    # Disks have the names that Azure's own udev rules give them.
    for lun in {0..15}; do
        printf 'SUBSYSTEM=="block", ENV{DEVTYPE}=="%s", KERNELS=="*:0:0:%d", ATTRS{vendor}=="Msft*", %s%d%s"\n' \
            disk "$lun" "$link" "$lun" '' partition "$lun" "$link" "$lun" -part%n
    done >"$root/etc/udev/rules.d/66-lab.rules"
    mkdir -p "$root/var/log/journal" # makes the journal persistent
    echo lab >"$root/etc/hostname"
    echo uninitialized >"$root/etc/machine-id"
    echo '/dev/vda / ext4 rw,relatime 0 1' >"$root/etc/fstab"
    truncate -s 2G "$lab/root.raw"
    mke2fs -q -t ext4 -L root -d "$root" "$lab/root.raw"
}

make_loader() { # finds the root disk, opens it if it is encrypted, then hands over to systemd
    local loader=$lab/work/loader root=$lab/work/root module library number=10
    mkdir -p "$loader"/{bin,proc,sys,dev,root,boot,bek,run,modules}
    cp "$root/sbin/cryptsetup" "$loader/bin/"
    { chroot "$root" ldd /sbin/cryptsetup | grep -o '/[^ ]*'
        echo /lib/x86_64-linux-gnu/libgcc_s.so.1 # for pthread_cancel: ldd does not list it
    } | while read -r library; do
        install -D "$root/$library" "$loader/$library"
    done
    install "$(command -v busybox)" "$loader/bin/busybox"
    install "$here/guest/init" "$loader/init"
    for module in virtio_pci virtio_blk aesni-intel xts dm-crypt vfat nls_cp437 nls_ascii; do
        modprobe -d "$debian/kernel" -S "$(ls "$debian/kernel/lib/modules")" --show-depends "$module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
        cp "$module" "$loader/modules/$((number++))-$(basename "$module")"
    done
    (cd "$loader" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -9) >"$lab/loader.cpio.gz"
}

[ -e "$debian/complete" ] || fetch_debian
say "making the guest"
mkdir "$lab/work/bin"
for tool in labd probe refreeze; do
    gcc -O2 -Wall -Wextra -Werror -static -o "$lab/work/bin/$tool" "$here/guest/$tool.c"
done
g++ -std=c++20 -O2 -static -pthread -o "$lab/work/bin/scratch_writer" "$here/../scratch/writer.cpp"
make_root
make_loader
cp "$debian"/kernel/boot/vmlinuz-* "$lab/vmlinuz"
say "starting it once and saving it"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/lab.py" save "$lab" >&2
touch "$lab/complete"
echo "$lab"
