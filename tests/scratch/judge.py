#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Was this image taken at a still point? Judges copies of ext4, xfs and btrfs filesystems without replaying a log.

    judge.py IMAGE...       the images of one snapshot; their order does not matter

Prints for each image {"image", "fs", "clean", "reasons", "last_record", "disk"}, and at the end {"images", "clean",
"order"}: "order" is the list of last records by disk if scratch_writer wrote there. Exit: 0 clean, 1 dirty, 2 cannot
judge. What clean means for each filesystem, and why, is in docs/testing.md.
"""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scratch  # noqa: E402

CLEAN, DIRTY, CANNOT_JUDGE = 0, 1, 2
TOOL_LIMIT_S = 120
MOUNT_OPTIONS = {"ext4": "ro,noload", "xfs": "ro,norecovery,nouuid", "btrfs": "ro,rescue=nologreplay"}
FREEZE_RECORDS = 2  # `TRANS` lines of the one superblock change that an xfs freeze logs on purpose
# All that xfs_repair -n may say of a frozen image besides its progress: the log holds that record, the counters in
# the superblock of a mounted filesystem are brought up to date only at its unmount, and the image is a file.
XFS_TOLERATED = re.compile(
    r"Phase \d - .*|\s+- .*|sb_(icount|ifree|fdblocks) \d+, counted \d+|No modify flag set, .*|"
    r"ALERT: The filesystem has valuable metadata changes in a log which is being|"
    r"ignored because the -n option was used\.  Expect spurious inconsistencies|"
    r"which may be resolved by first mounting the filesystem to replay the log\.|"
    r"Cannot get host filesystem geometry\.|Repair may fail if there is a sector size mismatch between|"
    r"the image and the host filesystem\.|")


class CannotJudge(Exception):
    pass


def tool(*command, allowed=(0,)):
    """(exit code, output) of a checker; one that is missing or hangs makes the image impossible to judge."""
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=TOOL_LIMIT_S, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotJudge(f"{command[0]}: {error}") from error
    if allowed is not None and done.returncode not in allowed:
        raise CannotJudge(f"{' '.join(command)}: {done.returncode}: {done.stdout.strip()[-300:]}")
    return done.returncode, done.stdout


def ext4_faults(image):
    _, header = tool("dumpe2fs", "-h", image, allowed=None)  # 1: a damaged journal, which e2fsck will name
    features = next((line for line in header.splitlines() if line.startswith("Filesystem features:")), None)
    if features is None:
        raise CannotJudge("dumpe2fs shows no features")
    if "needs_recovery" in features.split():
        yield "the journal needs recovery"
    # Alone this says nothing: with -n a journal that needs recovery is skipped.
    code, output = tool("e2fsck", "-fn", image, allowed=None)
    if code != 0:
        yield f"e2fsck -fn: {code}: {first_fault(output)}"


def xfs_faults(image):
    code, log = tool("xfs_logprint", "-t", image, allowed=None)
    if code not in (0, 1) or "log" not in log.lower():
        yield f"xfs_logprint: {code}: {log.strip()[-300:]}"
    transactions = sum(1 for line in log.splitlines() if line.startswith("TRANS"))
    if transactions > FREEZE_RECORDS:
        yield f"{transactions} transactions in the log"
    code, output = tool("xfs_repair", "-n", image, allowed=None)
    others = [line for line in output.splitlines() if not XFS_TOLERATED.fullmatch(line)]
    if code not in (0, 1) or others:
        yield f"xfs_repair -n: {code}: {'; '.join(others[:3])}"


def btrfs_faults(image):
    _, header = tool("btrfs", "inspect-internal", "dump-super", image)
    found = re.search(r"^log_root\s+(\d+)$", header, re.MULTILINE)
    if found is None:
        raise CannotJudge("dump-super shows no log_root")
    if found[1] != "0":
        yield "there is a log tree"
    code, output = tool("btrfs", "check", "--readonly", image, allowed=None)
    if code != 0:
        yield f"btrfs check: {code}: {first_fault(output)}"


FAULTS = {"ext4": ext4_faults, "xfs": xfs_faults, "btrfs": btrfs_faults}


def first_fault(output):
    lines = [line for line in output.splitlines() if line and not line.startswith(("Pass ", "e2fsck ", "["))]
    return "; ".join(lines[:3])


@contextlib.contextmanager
def files_of(image, fs):
    """Read-only and without replay, on a loop device that cannot be written."""
    with tempfile.TemporaryDirectory(prefix="sp-judge-") as folder:
        if fs == "btrfs" and original_is_mounted(image):
            restore(image, folder)
            yield pathlib.Path(folder)
            return
        try:
            scratch.run("mount", "-t", fs, "-o", f"loop,{MOUNT_OPTIONS[fs]}", image, folder)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        try:
            yield pathlib.Path(folder)
        finally:
            scratch.retry(lambda: scratch.run("umount", folder), folder)


def original_is_mounted(image):
    """Most kernels refuse a copy beside its original, and not all of them give it up without a trace."""
    _, header = tool("btrfs", "inspect-internal", "dump-super", image)
    found = re.search(r"^fsid\s+(\S+)$", header, re.MULTILINE)
    return found is not None and pathlib.Path("/sys/fs/btrfs", found[1]).exists()


def restore(image, folder):
    """Copies the files out of a btrfs image in user space; its log tree is not looked at."""
    code, output = tool("btrfs", "restore", image, folder, allowed=None)
    if code != 0:
        raise OSError(f"btrfs restore: {code}: {output.strip()[-300:]}")


def unsealed(line):
    """The text of a line whose checksum is right, else None."""
    text, _, checksum = line.rpartition(b" ")
    return text.decode("ascii") if checksum == b"%08x" % zlib.crc32(text) else None


def records_in(writer, faults):
    """(last record, disk number) of the appended file."""
    last, disk = -1, None
    for line in (writer / "records").read_bytes().splitlines():
        text = unsealed(line)
        fields = text.split() if text else []
        if len(fields) != 8 or int(fields[1]) != last + 1:
            faults.append(f"record {last + 1} is damaged or missing")
            break
        last, disk = int(fields[1]), int(fields[3])
    return last, disk


def check_bulk(writer, faults):
    """Blocks before some point are of one round, all others of the round before: nothing dirty was left behind."""
    content = (writer / "bulk").read_bytes()
    rounds = []
    for start in range(0, len(content), 4096):
        block = content[start:start + 4096]
        text = unsealed(block.split(b"\n", 1)[0])
        if text is None or int(text.split()[4]) != start // 4096:
            faults.append(f"bulk block {start // 4096} never reached the disk")
            return
        rounds.append(int(text.split()[2]))
    steps = [(a, b) for a, b in zip(rounds, rounds[1:]) if a != b]
    if len(steps) > 1 or any(a != b + 1 for a, b in steps):
        faults.append(f"bulk blocks of different times: {len(steps)} steps")


def check_markers(writer, faults):
    broken = [marker.name for marker in writer.glob("m-*")
              if unsealed(marker.read_bytes().rstrip(b"\n")) != f"marker {marker.name[2:]}"]
    if broken:
        faults.append(f"{len(broken)} un-synced files are incomplete")


def judge(image):
    result = {"image": image, "fs": None, "clean": False, "reasons": [], "last_record": None, "disk": None}
    faults = result["reasons"]
    code, output = tool("blkid", "-p", "-o", "value", "-s", "TYPE", image, allowed=(0, 2))
    result["fs"] = fs = output.strip()
    if fs not in FAULTS:
        raise CannotJudge(f"{image}: filesystem '{fs}' is not known")
    faults.extend(FAULTS[fs](image))
    try:
        with files_of(image, fs) as root:
            writer = root / "writer"
            if writer.is_dir():
                result["last_record"], result["disk"] = records_in(writer, faults)
                check_bulk(writer, faults)
                check_markers(writer, faults)
    except OSError as error:
        faults.append(f"cannot be read without replay: {error}")
    result["clean"] = not faults
    return result


def order_faults(lasts):
    """A record goes to disk 1, then 2, ...: at one instant none is ahead of the one before it, or more than one
    behind the first."""
    if any(a < b for a, b in zip(lasts, lasts[1:])) or (lasts and lasts[-1] < lasts[0] - 1):
        return ["the disks are of different instants"]
    return []


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return CANNOT_JUDGE
    if os.geteuid() != 0:
        print("judge: needs root for its read-only mounts", file=sys.stderr)
        return CANNOT_JUDGE
    scratch.enter_private_namespace()
    results = []
    try:
        for image in sys.argv[1:]:
            results.append(judge(image))
            print(json.dumps(results[-1]), flush=True)
    except (CannotJudge, OSError, RuntimeError) as error:
        print(json.dumps({"cannot_judge": str(error)}))
        return CANNOT_JUDGE
    written = sorted((r for r in results if r["disk"] is not None), key=lambda r: r["disk"])
    lasts = [r["last_record"] for r in written]
    reasons = order_faults(lasts)
    clean = all(r["clean"] for r in results) and not reasons
    print(json.dumps({"images": len(results), "clean": clean, "order": lasts, "reasons": reasons}))
    return CLEAN if clean else DIRTY


if __name__ == "__main__":
    sys.exit(main())
