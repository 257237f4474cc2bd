# SPDX-License-Identifier: Apache-2.0
"""Disk images for tests, made without a mapping or a mount: filesystems by their own tools, LUKS volumes filled in
user space, disks put together from them."""
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import uuid
import zlib

STILLPOINT = None
LUKS_FILL = None
TOOL_LIMIT_S = 120
MIB = 1 << 20
# Less than the least of cryptsetup's own benchmark: these keys protect nothing.
FAST_LUKS = {"luks1": ["--pbkdf-force-iterations", "1000"],
             "luks2": ["--pbkdf", "argon2id", "--pbkdf-memory", "1024", "--pbkdf-parallel", "1",
                       "--pbkdf-force-iterations", "4"]}
MAKE = {
    "ext2": ["mke2fs", "-q", "-F", "-t", "ext2"],
    "ext3": ["mke2fs", "-q", "-F", "-t", "ext3"],
    "ext4": ["mke2fs", "-q", "-F", "-t", "ext4"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
    "fat12": ["mkfs.fat", "-F", "12"],
    "fat16": ["mkfs.fat", "-F", "16"],
    "fat32": ["mkfs.fat", "-F", "32"],
    "ntfs": ["mkntfs", "-q", "-Q", "-F"],
    "swap": ["mkswap"],
}
LABEL = {"mkfs.fat": "-n"}
SIZE_MIB = {"fat12": 2, "fat16": 32, "fat32": 64, "xfs": 320, "btrfs": 128}
GPT_TYPE = {"esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "linux": "0FC63DAF-8483-4772-8E79-3D69D8477DE4"}


def run(*command, allowed=(0,), leaks=True, **options):
    """leaks=False: under strace the sanitizer cannot look for leaks."""
    done = subprocess.run([str(word) for word in command], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=TOOL_LIMIT_S,
                          env={**os.environ, "LC_ALL": "C", **({} if leaks else {"ASAN_OPTIONS": "detect_leaks=0"})},
                          **options)
    if done.returncode not in allowed:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def inspect(image, *options):
    """(exit code, report)"""
    done = subprocess.run([STILLPOINT, "inspect", "--json", *map(str, options), str(image)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TOOL_LIMIT_S)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def state_of(image):
    """The state of the filesystem that is the whole image."""
    _, report = inspect(image)
    return report["volumes"][0]["content"]["filesystem"]


def empty(path, mib):
    with open(path, "wb") as out:
        out.truncate(int(mib * MIB))
    return path


def filesystem(path, kind, label=None):
    empty(path, SIZE_MIB.get(kind, 32))
    tool = MAKE[kind]
    run(*tool, *([LABEL.get(tool[0], "-L"), label] if label else []), path)
    return path


def luks(path, version, key, content, mib, *options, header=None):
    """A volume of `mib` MiB that holds `content`; its header lies in a file of its own, if one is given."""
    empty(path, mib)
    detached = ["--header", header] if header else []
    if header:
        empty(header, 16)
    run("cryptsetup", "luksFormat", "-q", "--type", version, "--disable-locks", *FAST_LUKS[version], *detached,
        *options, path, key)
    run(LUKS_FILL, path, key, content, *([header] if header else []))
    return path


def guid(text):
    return uuid.UUID(text).bytes_le


def gpt_header(own, other, entries, entries_at, last, sector):
    """One of the two headers, each with its own place and the other's; UEFI, "GUID Partition Table Format"."""
    header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other, MIB // sector,
                         last - MIB // sector, guid("5b1e5c60-0f3c-4a1e-9d1c-3b1f2c4d5e6f"), entries_at, 128, 128,
                         zlib.crc32(entries))
    return header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]


def disk(path, partitions, sector=512):
    """A GPT disk: (type, name, the file that the partition holds)."""
    start, entries = MIB, b""
    places = []
    for kind, name, content in partitions:
        size = -(-os.path.getsize(content) // MIB) * MIB
        entries += struct.pack("<16s16sQQQ72s", guid(GPT_TYPE[kind]), uuid.uuid4().bytes_le, start // sector,
                               (start + size) // sector - 1, 0, name.encode("utf-16-le"))
        places.append((start, content))
        start += size
    entries += bytes(128 * 128 - len(entries))
    empty(path, start / MIB + 1)
    last = (start + MIB) // sector - 1
    last_entries = last - len(entries) // sector
    protective = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(last, 0xFFFFFFFF))
    for at, content in ((446, protective), (510, b"\x55\xaa"), (2 * sector, entries), (last_entries * sector, entries),
                        (sector, gpt_header(1, last, entries, 2, last, sector)),
                        (last * sector, gpt_header(last, 1, entries, last_entries, last, sector))):
        write_at(path, at, content)
    for offset, content in places:
        copy_into(path, offset, content)
    return path


def mbr_entry(kind, start, sectors):
    return struct.pack("<B3sB3sII", 0, bytes(3), kind, bytes(3), start, sectors)


def dos_disk(path, mib, first, logical):
    """A primary partition, and an extended one with a logical one in it: (first sector, sectors)."""
    empty(path, mib)
    extended = logical[0] - 2048
    write_at(path, 446, mbr_entry(0x83, *first) + mbr_entry(0x05, extended, logical[1] + 2048))
    write_at(path, extended * 512 + 446, mbr_entry(0x83, 2048, logical[1]))
    for sector in (0, extended):
        write_at(path, sector * 512 + 510, b"\x55\xaa")
    return path


def write_at(path, offset, content):
    with open(path, "r+b") as out:
        out.seek(offset)
        out.write(content)


def copy_into(path, offset, content):
    with open(path, "r+b") as out, open(content, "rb") as source:
        zeros = bytes(MIB)
        while block := source.read(MIB):
            if block != zeros[:len(block)]:
                out.seek(offset)
                out.write(block)
            offset += len(block)


def vhd(path, raw):
    """`raw` as a fixed VHD: the disk, and behind it the footer."""
    run("cp", "--sparse=always", raw, path)
    size = os.path.getsize(raw)
    footer = bytearray(struct.pack(">8sIIQI4sI4sQQ4sI", b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF, 0, b"test", 1,
                                   b"Wi2k", size, size, b"\0\0\0\0", 2))
    footer += bytes(4) + bytes(range(16))
    footer += bytes(512 - len(footer))
    struct.pack_into(">I", footer, 64, ~sum(footer) & 0xFFFFFFFF)
    with open(path, "ab") as out:
        out.write(footer)
    return path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing_tools(*names):
    folders = [*os.environ.get("PATH", "").split(":"), "/sbin", "/usr/sbin"]
    return [name for name in names if not any(pathlib.Path(folder, name).exists() for folder in folders)]
