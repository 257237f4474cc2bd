# SPDX-License-Identifier: Apache-2.0
"""The images that cryptsetup's own tests use: volumes made by Windows and by old versions of cryptsetup, damaged headers
and hostile ones. They come with Debian's source package; nothing of it is kept in this repository."""
import lzma
import bz2
import os
import pathlib
import shutil
import subprocess
import tarfile

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
OPENERS = {".xz": lzma.open, ".bz2": bz2.open}
PIECE = 1 << 20


def fetch():
    """The package's folder `tests`. Debian's archive is asked at most once a day."""
    cache = pathlib.Path(os.environ.get("DEBIAN_SOURCE_DIR", pathlib.Path.home() / ".cache/stillpoint/debian-source"))
    done = subprocess.run([TOOLS / "debian_source.sh", "cryptsetup", cache], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(done.stdout.splitlines()[-1]) / "tests"


def copy_sparse(source, target):
    """What is read from a stream, with holes where there are only zeros."""
    with open(target, "wb") as file:
        while piece := source.read(PIECE):
            if piece.count(0) == len(piece):
                file.seek(len(piece), os.SEEK_CUR)
            else:
                file.write(piece)
        file.truncate()


def unpack(tests, folder):
    """Every compressed image, and every file in an archive of them."""
    for packed in sorted(tests.iterdir()):
        opener = OPENERS.get(packed.suffix)
        if opener is None:
            continue
        if packed.stem.endswith(".tar"):
            with tarfile.open(packed) as archive:
                for member in archive:
                    if member.isfile():
                        target = folder / packed.name.split(".")[0] / pathlib.PurePath(member.name).name
                        target.parent.mkdir(exist_ok=True)
                        copy_sparse(archive.extractfile(member), target)
        else:
            with opener(packed) as stream:
                copy_sparse(stream, folder / packed.stem)


def generate(tests, folder, valid):
    """What the suite's generators make of a valid LUKS2 header. Their own checks of what they made do not count: they trip
    over zeros behind the text with jq 1.6."""
    generators = folder / "generators"
    shutil.copytree(tests / "generators", generators)
    (generators / "tmp").mkdir(exist_ok=True)
    target = folder / "generated"
    target.mkdir()
    scripts = sorted(generators.glob("generate-*.sh"))
    for script in scripts:
        subprocess.run(["bash", f"./{script.name}", target, valid], cwd=generators, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
    shutil.rmtree(generators)
    made = sorted(target.iterdir())
    if len(made) != len(scripts):
        raise RuntimeError(f"{len(scripts)} generators made {len(made)} images")
    return made


def spoil(image, folder):
    """The same image three times with something amiss: cut off, its beginning wiped, and wiped over with letters."""
    folder.mkdir(exist_ok=True)
    start = image.read_bytes()[:8 << 20]
    made = []
    for name, content in {"cut": start[:len(start) // 3], "wiped": bytes(4096) + start[4096:],
                          "scribbled": start[:300] + b"x" * 8000 + start[8300:]}.items():
        path = folder / f"{image.name}.{name}"
        path.write_bytes(content)
        made.append(path)
    return made
