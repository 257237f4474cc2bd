# SPDX-License-Identifier: Apache-2.0
"""Mounts that a test makes and takes away again: read-only ones, and filesystems on loop devices whose files lie on
scratch filesystems, which hang when the lower one is frozen by somebody else, or lie across two disks. scratch.py
removes what a test that was killed has left."""
import contextlib
import os
import pathlib
import subprocess

import scratch


def run(*words):
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def loop_on(mount, size_mb):
    """A loop device on a new file there."""
    image = pathlib.Path(mount, "image")
    with open(image, "wb") as file:
        file.truncate(size_mb << 20)
    device = run("losetup", "--find", "--show", image)
    try:
        yield device
    finally:
        run("losetup", "-d", device)
        image.unlink()


@contextlib.contextmanager
def mounted(point, *mount_words):
    """Yields {"mount", "superblock"}. The unmount waits for a guard that is still at it."""
    point.mkdir()
    run("mount", *mount_words, point)
    os.sync()
    try:
        yield {"mount": str(point), "superblock": scratch.superblock_of(str(point))}
    finally:
        scratch.thaw(str(point))
        scratch.retry(lambda: run("umount", point), str(point))
        point.rmdir()


@contextlib.contextmanager
def read_only(point):
    run("mount", "-o", "remount,ro", point)
    try:
        yield
    finally:
        run("mount", "-o", "remount,rw", point)


@contextlib.contextmanager
def bound_read_only(folder):
    run("mount", "--bind", folder, folder)
    run("mount", "-o", "remount,bind,ro", folder)
    try:
        yield
    finally:
        run("umount", folder)


@contextlib.contextmanager
def ext4_on(lower, point):
    with loop_on(lower, 32) as device:
        run("mkfs.ext4", "-q", "-F", device)
        with mounted(point, "-t", "ext4", device) as upper:
            yield upper


@contextlib.contextmanager
def btrfs_across(lowers, point):
    """One filesystem on a loop device on each of two."""
    with loop_on(lowers[0], 40) as first, loop_on(lowers[1], 40) as second:
        run("mkfs.btrfs", "-q", "-f", "-M", "-d", "single", "-m", "single", first, second)
        with mounted(point, "-t", "btrfs", "-o", f"device={first},device={second}", first) as upper:
            yield upper
