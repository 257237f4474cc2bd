#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Virtual machines for tests: Debian with systemd under QEMU, emulated, so no KVM is needed.

    lab.py save LAB     what build.sh calls: boots the guest once, makes its filesystems, saves it running

Tests take `with lab.saved_guest(folder) as guest:` (a second or two: everything is mounted and warm) or a cold
`lab.Guest(...)`. Nothing is shared between guests but files that are only read. Every wait has a limit; QEMU is ended
by its pid, and with the process that started it.
"""
import contextlib
import ctypes
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BOOT_LIMIT_S = 300
RUN_LIMIT_S = 60
# The channel answers for a script that is out of time; this long after, the guest itself is not there.
CHANNEL_GRACE_S = 30
STOP_LIMIT_S = 20
MEMORY_MB = 768
# Only a crash of this machine could lose what is not flushed; a snapshot that waits for its disk outlasts a hold.
NO_FLUSH = "cache=unsafe"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)

# The standard data disks: LUN and size in MB.
DISKS = {0: 192, 1: 320, 2: 256, 3: 192, 4: 448, 5: 448, 6: 64}
# What the saved guest has on them. lun4 and lun5 are striped, with an ext4 and an xfs beside each other.
MAKE_FILESYSTEMS = """set -e
lun() { readlink -f /dev/disk/azure/scsi1/lun$1; }
mkfs.ext4 -q $(lun 0)
mkfs.xfs -q $(lun 1)
mkfs.btrfs -q -m single -d single $(lun 2)
dmsetup create labdm --table "0 $(blockdev --getsz $(lun 3)) linear $(lun 3) 0"
mkfs.ext4 -q /dev/mapper/labdm
pvcreate -q $(lun 4) $(lun 5)
vgcreate -q vg $(lun 4) $(lun 5)
lvcreate -q -y -i 2 -L 128M -n ext4 vg
lvcreate -q -y -i 2 -L 400M -n xfs vg
mkfs.ext4 -q /dev/vg/ext4
mkfs.xfs -q /dev/vg/xfs
echo 'size=60M, type=U' | sfdisk -q --label gpt $(lun 6)
udevadm settle
mkfs.vfat -F 16 /dev/disk/azure/scsi1/lun6-part1 >/dev/null
mkdir -p /data/ext4 /data/xfs /data/btrfs /data/dm /data/lv-ext4 /data/lv-xfs /data/efi
mount $(lun 0) /data/ext4
mount $(lun 1) /data/xfs
mount $(lun 2) /data/btrfs
mount /dev/mapper/labdm /data/dm
mount /dev/vg/ext4 /data/lv-ext4
mount /dev/vg/xfs /data/lv-xfs
mount /dev/disk/azure/scsi1/lun6-part1 /data/efi
modprobe dm-delay
sync
"""


class GuestError(Exception):
    pass


def dies_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def built():
    """The lab's folder; builds it if these sources have not been built yet."""
    done = subprocess.run([HERE / "build.sh"], check=True, stdout=subprocess.PIPE, text=True, timeout=1800)
    return pathlib.Path(done.stdout.splitlines()[-1])


def new_disk(path, size_mb=None, backing=None, backing_format="qcow2"):
    """A qcow2 image: empty, or an overlay of another image, which must never be written to again."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2"]
    command += ["-b", backing, "-F", backing_format] if backing else []
    subprocess.run([*command, path, *([f"{size_mb}M"] if size_mb else [])], check=True, timeout=STOP_LIMIT_S)
    return path


class Channel:
    """A Unix socket of QEMU, read in lines and bytes within a deadline."""

    def __init__(self, path, deadline):
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self._pending = b""

    def send(self, data, deadline):
        self._socket.settimeout(max(0.01, deadline - time.monotonic()))
        self._socket.sendall(data)

    def _receive(self, deadline):
        self._socket.settimeout(max(0.01, deadline - time.monotonic()))
        data = self._socket.recv(1 << 20)
        if not data:
            raise GuestError("QEMU is gone")
        self._pending += data

    def line(self, deadline):
        while b"\n" not in self._pending:
            self._receive(deadline)
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def read(self, size, deadline):
        while len(self._pending) < size:
            self._receive(deadline)
        data, self._pending = self._pending[:size], self._pending[size:]
        return data

    def close(self):
        self._socket.close()


class Monitor:
    """QEMU's machine protocol (QMP)."""

    def __init__(self, path, deadline):
        self._channel = Channel(path, deadline)
        self._channel.line(deadline)
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        deadline = time.monotonic() + RUN_LIMIT_S
        self._channel.send(json.dumps({"execute": command, "arguments": arguments}).encode(), deadline)
        while True:
            answer = json.loads(self._channel.line(deadline))
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:  # else an event
                return answer["return"]

    def call_until(self, command, wanted, refused=(), limit_s=RUN_LIMIT_S):
        """Until `status` in the answer is one of `wanted`."""
        end = time.monotonic() + limit_s
        while (status := self.call(command).get("status")) not in wanted:
            if status in refused or time.monotonic() > end:
                raise GuestError(f"{command} says {status}")
            time.sleep(0.02)
        return status

    def close(self):
        self._channel.close()


class Answer:
    def __init__(self, status, text):
        self.status = status
        self.text = text


class Guest:
    """A running guest. `root` is the image of its system disk, `disks` {LUN: image}, all qcow2 and written to; so is
    `keys`, the disk that Azure Disk Encryption has its key files on. `state`: continue what save() wrote with the
    same disks, or overlays of them, instead of booting. `uuid` is the machine's, as its firmware says it."""

    def __init__(self, lab, folder, root, disks, state=None, keys=None, uuid=None):
        self.folder = pathlib.Path(folder)
        self.images = {"root": root, **({"keys": keys} if keys else {}),
                       **{f"lun{lun}": image for lun, image in disks.items()}}
        self._number = time.monotonic_ns()  # goes on where the guest that was saved had been
        command = self._command(pathlib.Path(lab), root, disks, keys, uuid)
        if state:
            command += ["-incoming", f"exec:cat '{state}'"]
        self._errors = open(self.folder / "qemu.log", "wb")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._errors,
                                         stderr=self._errors, preexec_fn=dies_with_parent)
        deadline = time.monotonic() + BOOT_LIMIT_S
        try:
            self.monitor = Monitor(self.folder / "monitor", deadline)
            self._channel = Channel(self.folder / "channel", deadline)
            if state:
                if self.monitor.call_until("query-status", ("running", "paused", "postmigrate")) != "running":
                    self.monitor.call("cont")
                self.run(f"date -s @{int(time.time())}")
            else:
                self.run("true", BOOT_LIMIT_S)
        except (OSError, GuestError) as error:
            self.kill()
            logs = [(self.folder / name).read_text(errors="replace")[-1500:] for name in ("qemu.log", "console.log")
                    if (self.folder / name).exists()]
            raise GuestError(f"the guest did not start: {error!r}\n" + "\n".join(logs)) from error

    def _command(self, lab, root, disks, keys, uuid):
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1",
                   "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-rtc", "base=utc,clock=host", "-serial", f"file:{self.folder}/console.log",
                   "-qmp", f"unix:{self.folder}/monitor,server=on,wait=off",
                   "-device", "virtio-serial-pci",
                   "-chardev", f"socket,id=lab,path={self.folder}/channel,server=on,wait=off",
                   "-device", "virtserialport,chardev=lab,name=lab",
                   "-kernel", str(lab / "vmlinuz"), "-initrd", str(lab / "loader.cpio.gz"),
                   "-append", "console=ttyS0 quiet panic=-1 audit=0 net.ifnames=0 systemd.show_status=0",
                   "-drive", f"if=none,id=root,{NO_FLUSH},format=qcow2,file={root}",
                   "-device", "virtio-blk-pci,drive=root"]
        if keys:
            command += ["-drive", f"if=none,id=keys,{NO_FLUSH},format=qcow2,file={keys}",
                        "-device", "virtio-blk-pci,drive=keys"]
        command += ["-uuid", uuid] if uuid else []
        command += ["-device", "virtio-scsi-pci,id=data"]
        for lun, image in disks.items():
            command += ["-drive", f"if=none,id=lun{lun},{NO_FLUSH},format=qcow2,file={image}",
                        "-device", f"scsi-hd,bus=data.0,channel=0,scsi-id=0,lun={lun},drive=lun{lun},"
                                   f"serial=lun{lun},vendor=Msft,product=Virtual Disk"]
        return command

    def run(self, script, limit_s=RUN_LIMIT_S, check=True, data=b""):
        """Runs a shell script in the guest; `data` is its standard input. With `check` a status other than 0 is an
        error. Something that may block in the kernel belongs in the background: `setsid COMMAND >FILE 2>&1 &`."""
        deadline = time.monotonic() + limit_s + CHANNEL_GRACE_S
        self._number += 1
        text = script.encode()
        header = f"{self._number} {int(limit_s * 1000)} {len(text)} {len(data)}\n"
        self._channel.send(header.encode() + text + data, deadline)
        while True:
            number, status, size = map(int, self._channel.line(deadline).split())
            output = self._channel.read(size, deadline).decode(errors="replace")
            if number == self._number:
                break
        if check and status != 0:
            raise GuestError(f"status {status} of {script!r}:\n{output}")
        return Answer(status, output)

    def put(self, local, remote, mode=0o755):
        self.run(f"cat > '{remote}.new' && chmod {mode:o} '{remote}.new' && mv '{remote}.new' '{remote}'",
                 data=pathlib.Path(local).read_bytes())

    def snapshot(self, folder):
        """All disks but the keys' at one moment: {name: image}. The guest writes to overlays from then on, in
        `folder`; the images stay as they are as long as it runs and after it."""
        frozen = {name: image for name, image in self.images.items() if name != "keys"}
        overlays = {name: pathlib.Path(folder) / f"{name}-after.qcow2" for name in frozen}
        self.monitor.call("transaction", actions=[
            {"type": "blockdev-snapshot-sync", "data": {"device": name, "snapshot-file": str(path), "format": "qcow2"}}
            for name, path in overlays.items()])
        self.images.update(overlays)
        return frozen

    def save(self, path):
        """Writes memory and devices to a file and ends QEMU. From then on the images are only to be overlaid."""
        self.monitor.call("stop")
        self.monitor.call("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.monitor.call("migrate", uri=f"exec:cat > '{path}'")
        self.monitor.call_until("query-migrate", ("completed",), refused=("failed", "cancelled"))
        self.stop()

    def cpu_s(self):
        """Processor time that QEMU has used: says more than the clock does on a busy machine."""
        fields = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def stop(self):
        """Like a power cut, but what QEMU was given is in the images."""
        with contextlib.suppress(OSError, GuestError):
            self.monitor.call("quit")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT_S)
        self.kill()

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._errors.close()
        for name in ("monitor", "_channel"):
            if hasattr(self, name):
                getattr(self, name).close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def saved_guest(folder, lab=None):
    """The guest that build.sh saved, on overlays of its own in `folder`."""
    lab = lab or built()
    folder = pathlib.Path(folder)
    saved = lab / "saved"
    root = new_disk(folder / "root.qcow2", backing=saved / "root.qcow2")
    disks = {lun: new_disk(folder / f"lun{lun}.qcow2", backing=saved / f"lun{lun}.qcow2") for lun in DISKS}
    return Guest(lab, folder, root, disks, state=saved / "state")


def cold_guest(folder, lab, disks):
    """A guest that boots, on a fresh overlay of the system disk."""
    root = new_disk(pathlib.Path(folder) / "root.qcow2", backing=lab / "root.raw", backing_format="raw")
    return Guest(lab, folder, root, disks)


def save(lab):
    saved = lab / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    saved.mkdir()
    disks = {lun: new_disk(saved / f"lun{lun}.qcow2", size) for lun, size in DISKS.items()}
    begun = time.monotonic()
    with cold_guest(saved, lab, disks) as guest:
        guest.run("systemctl is-system-running --wait", BOOT_LIMIT_S, check=False)
        state = guest.run("systemctl is-system-running; systemctl --failed --no-legend", check=False).text.split()
        print(f"lab: {state} after {time.monotonic() - begun:.1f} s, {guest.cpu_s():.1f} s of processor time")
        if state != ["running"]:
            raise GuestError(f"the guest is {state}")
        guest.run(MAKE_FILESYSTEMS, BOOT_LIMIT_S)
        guest.save(saved / "state")
    print(f"lab: saved after {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "save":
        sys.exit(__doc__)
    save(pathlib.Path(sys.argv[2]))
