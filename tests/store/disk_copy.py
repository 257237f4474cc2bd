# SPDX-License-Identifier: Apache-2.0
"""What a storage snapshot of a disk would hold, copied into a sparse file or into a page blob.

A disk is read with O_DIRECT: what only lies in the page cache of its filesystem is not seen, just as the storage
under a virtual disk does not see it. (The kernel first writes back the dirty pages of the block device's own
cache in the range that is read. While the filesystem is frozen there are none; while it is not, only blocks that
ext4 has committed to its journal can be dirty there, so this hastens a write that was due and hides nothing.)
"""
import contextlib
import hashlib
import mmap
import os
import pathlib
import stat
import threading

CHUNK = 64 << 10  # the unit of comparison
READ = 4 << 20    # the unit of reading, and the most that one request may put into a page blob
BRIDGE = 3        # unchanged chunks between two changed ones that cost less to send than a request of their own
ZEROS = bytes(READ)
ZERO = b""        # the "hash" of a chunk of zeros


def open_disk(path):
    flags = os.O_RDONLY | os.O_CLOEXEC
    if stat.S_ISBLK(os.stat(path).st_mode):
        return os.open(path, flags | os.O_DIRECT)
    return os.open(path, flags)


def size_of(path):
    with contextlib.closing(os.fdopen(open_disk(path), "rb", buffering=0)) as disk:
        return os.lseek(disk.fileno(), 0, os.SEEK_END)


def blocks_of(fd, size):
    """(offset, bytes) of the disk, a read at a time."""
    with mmap.mmap(-1, READ) as buffer, memoryview(buffer) as view:  # page aligned, as O_DIRECT wants it
        offset = 0
        while offset < size:
            got = os.preadv(fd, [view[: min(READ, size - offset)]], offset)
            if got <= 0:
                raise OSError(f"disk ends at {offset} of {size} bytes")
            yield offset, buffer[:got]
            offset += got


def chunks_of(fd, size):
    """(offset, bytes or None for zeros)."""
    for offset, block in blocks_of(fd, size):
        if block == ZEROS[: len(block)]:
            for start in range(0, len(block), CHUNK):
                yield offset + start, min(CHUNK, len(block) - start), None
            continue
        for start in range(0, len(block), CHUNK):
            chunk = block[start:start + CHUNK]
            yield offset + start, len(chunk), None if chunk == ZEROS[: len(chunk)] else chunk


def runs_of(pieces):
    """Joins neighbouring (offset, length, bytes or None) of one kind to runs of at most READ bytes."""
    begin, length, parts = 0, 0, []
    for offset, size, data in pieces:
        same_kind = bool(parts) and (parts[0] is None) == (data is None)
        if same_kind and offset == begin + length and (data is None or length + size <= READ):
            length += size
            parts.append(data)
            continue
        if parts:
            yield begin, length, None if parts[0] is None else b"".join(parts)
        begin, length, parts = offset, size, [data]
    if parts:
        yield begin, length, None if parts[0] is None else b"".join(parts)


class ImageCopy:
    """Snapshots of a disk as sparse files."""

    def __init__(self, device, folder):
        self.device = device
        self.size = size_of(device)
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    def prime(self):
        """Nothing to be prepared: a snapshot is a whole, sparse copy."""

    def copy(self, name):
        """Bytes written to the file `name`.img."""
        written = 0
        draft = self._folder / f"{name}.part"
        with contextlib.closing(os.fdopen(open_disk(self.device), "rb", buffering=0)) as disk, open(draft, "wb") as out:
            out.truncate(self.size)
            for offset, length, data in runs_of(chunks_of(disk.fileno(), self.size)):
                if data is not None:
                    out.seek(offset)
                    out.write(data)
                    written += length
        draft.rename(self._folder / f"{name}.img")
        return written


class BlobCopy:
    """Keeps a page blob equal to a disk; sends only what differs from the copy before."""

    def __init__(self, device, store, blob):
        self.device = device
        self.size = size_of(device)
        self._store = store
        self._blob = blob
        self._known = None
        self.lock = threading.Lock()

    def prime(self):
        """A copy ahead, so that the copy under the hold has little to send. The first one makes the blob."""
        with self.lock:
            if self._known is None:
                self._store.create_page_blob(self._blob, self.size)
                self._known = [ZERO] * -(-self.size // CHUNK)  # a new page blob reads as zeros
            return self.copy()

    def copy(self, _name=None):
        """Bytes sent. A failure leaves the chunk marked as unknown, so that the next copy sends it again."""
        sent = 0
        with contextlib.closing(os.fdopen(open_disk(self.device), "rb", buffering=0)) as disk:
            for offset, length, data in runs_of(self._changed(disk.fileno())):
                if data is None:
                    self._store.clear_pages(self._blob, offset, length)
                else:
                    self._store.put_pages(self._blob, offset, data)
                    sent += length
                self._settle(offset, length, data)
        return sent

    def _changed(self, fd):
        bridge = None  # unchanged, but right behind something changed
        for offset, length, data in chunks_of(fd, self.size):
            if self._known[offset // CHUNK] != hash_of(data):
                if data is not None:
                    yield from bridge or ()
                self._known[offset // CHUNK] = None
                yield offset, length, data
                bridge = None if data is None else []
            elif bridge is not None and data is not None and len(bridge) < BRIDGE:
                bridge.append((offset, length, data))
            else:
                bridge = None

    def _settle(self, offset, length, data):
        for start in range(0, length, CHUNK):
            chunk = None if data is None else data[start:start + CHUNK]
            self._known[(offset + start) // CHUNK] = hash_of(chunk)


def hash_of(chunk):
    return ZERO if chunk is None else hashlib.sha256(chunk).digest()
