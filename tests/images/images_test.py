#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images that others made, each fed to every command of a table: a verdict, no crash, not one byte changed.

    images_test.py HEADER_VERDICT READINESS_VERDICT STILLPOINT [--more FOLDER] [--only PATTERN]

Those of cryptsetup's own tests (suite.py), and every file below FOLDER."""
import argparse
import configparser
import fnmatch
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import suite

# What every image is fed to: a name, the command, the exit codes that are an answer. "{image}" is the image.
COMMANDS = [
    ("header", ["{header_verdict}", "{image}"], {0}),
    ("readiness", ["{readiness_verdict}", "{image}"], {0}),
    ("encryption", ["{stillpoint}", "encryption", "{image}"], {0}),
    ("encryption", ["{stillpoint}", "encryption", "--json", "{image}"], {0}),
    ("inspect", ["{stillpoint}", "inspect", "{image}"], {0, 3}),  # 3: there are problems
    ("inspect", ["{stillpoint}", "inspect", "--json", "{image}"], {0, 3}),
]

SECTOR = 512  # bytes; what is smaller is no disk

# What is known about some of them: format, and states that are right. The first pattern that matches counts.
ANY_BUT_SOUND = {"one_copy_damaged", "damaged", "not_understood"}
EXPECTED = [
    ("bitlk-images/*.img", "bitlk", {"sound"}),
    ("evil_hdr-*", "luks1", {"damaged"}),
    ("blkid-luks2-pv.img", "luks2", {"damaged"}),
    ("luks1-images/*.img", "luks1", {"sound", "not_understood"}),  # whirlpool is not in every build
    ("luks2_header_requirements/luks2_header_requirements", "luks2", {"not_understood"}),
    ("luks2_header_requirements/luks2_header_requirements_free", "luks2", {"sound"}),
    ("luks2_mda_images/*", "luks2", {"sound"}),
    ("luks2_valid_hdr.img", "luks2", {"sound"}),
    ("conversion_imgs/l1_*", "luks1", {"sound"}),
    ("conversion_imgs/l2_*", "luks2", {"sound"}),
    ("compatv10image.img", "luks1", {"sound"}),
    ("compatimage.img", "luks1", {"sound"}),
    ("compatimage2.img", "luks2", {"sound"}),
    ("img_fs_*", "none", {""}),
    ("tcrypt-images/*", "none", {""}),
    ("generated/*invalid-checksum-both*", "luks2", {"damaged"}),
    ("generated/*invalid-checksum-hdr*", "luks2", {"one_copy_damaged"}),
    ("generated/*-secondary.img", "luks2", ANY_BUT_SOUND),
    ("generated/*", "luks2", {"sound"} | ANY_BUT_SOUND),
]

# Keys: a pattern, the kind of key, the key, the keyslot it opens. The suite's scripts use these in the open.
KEYS = [
    ("compatv10image.img", "passphrase", b"compatkey", 0),
    ("compatimage.img", "passphrase", b"compatkey", 0),
    ("compatimage2.img", "passphrase", b"compatkey", 0),
    ("luks2_keyslot_unassigned.img", "passphrase", b"compatkey", 0),
    ("luks2_mda_images/test_image_*", "passphrase", b"Qx3qn46vq0v", 0),
    ("luks2_header_requirements/luks2_header_requirements_free", "passphrase", b"blablabl", 0),
    # Two more of them, "legacy_offset" and "unmovable", have keyslots that nothing opens.
    *[(f"conversion_imgs/{kind}", "passphrase", key, slot) for kind in ("l?_???b", "l?_???b_det", "l2_*_full")
      for key, slot in ((b"aaablabl", 0), (b"bbbblabl", 7))],
]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def bitlk_keys(folder):
    """What images.conf says opens Windows' images, as the table above has it."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(folder / "images.conf")
    for section in config.sections():
        values = config[section]
        image = f"bitlk-images/{section}.img"
        # A slot of None: whichever it is.
        if values.get("PW"):
            yield image, "passphrase", values["PW"].encode(), None
        if values.get("RP"):
            yield image, "recovery", values["RP"].encode(), None
        if values.get("SK_VMK_GUID"):
            yield image, "bek", (folder / f"{values['SK_VMK_GUID'].upper()}.BEK").read_bytes(), None


class Run:
    def __init__(self, root, programs):
        self.root = root
        self.programs = programs
        self.faults = []
        self.digests = {}
        self.verdicts = {}
        self.keys_tried = 0

    def fault(self, image, what):
        self.faults.append(f"{self.name(image)}: {what}")

    def name(self, image):
        return str(image.relative_to(self.root)) if image.is_relative_to(self.root) else str(image)

    def answer(self, image, command, codes, timeout=120):
        """The command's output; a fault when it crashed, was not silent on standard error, or changed the image."""
        command = [word.format(image=image, **self.programs) for word in command]
        before = self.digests.get(image) or digest(image)
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                                  timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            self.fault(image, f"{command[0]} had no answer after {timeout} s")
            return ""
        if done.returncode not in codes:
            self.fault(image, f"{' '.join(command)} ended with {done.returncode}: {done.stdout} {done.stderr}")
        elif done.stderr:
            self.fault(image, f"{' '.join(command)} said: {done.stderr}")
        if not done.stdout:
            self.fault(image, f"{' '.join(command)} gave no verdict")
        self.digests[image] = digest(image)
        if self.digests[image] != before:
            self.fault(image, f"{' '.join(command)} changed it")
        return done.stdout

    def feed(self, image):
        header = ""
        for name, command, codes in COMMANDS:
            if name == "inspect" and image.stat().st_size < SECTOR:
                self.expect_refusal(image, command)
                continue
            output = self.answer(image, command, codes)
            if name == "header":
                header = output
                self.judge(image, output)
            elif name == "readiness":
                self.expect_warning(image, header, output)
            elif "--json" in command:
                json.loads(output or "{}")

    def expect_refusal(self, image, command):
        """A note or a key that lies beside the images."""
        command = [word.format(image=image, **self.programs) for word in command]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        if done.returncode != 1 or "are no image of a disk" not in done.stderr:
            self.fault(image, f"{' '.join(command)} takes it for an image: {done.stdout} {done.stderr}")

    def expect_warning(self, image, header, output):
        """Whatever keeps a volume from being opened is warned of."""
        states = {"one_copy_damaged": "header_copy_damaged", "damaged": "header_damaged",
                  "not_understood": "header_unreadable"}
        wanted = [states[state] for state in header.split()[1:2] if state in states]
        if " reencrypting" in header.partition("\n")[0]:
            wanted.append("reencryption")
        for warning in wanted:
            if f"{warning} " not in output:
                self.fault(image, f"no warning '{warning}' but: {output}")

    def judge(self, image, output):
        words = output.split()
        found, state = (words + ["", ""])[:2] if words[:1] != ["none"] else ("none", "")
        self.verdicts[f"{found} {state}".strip()] = self.verdicts.get(f"{found} {state}".strip(), 0) + 1
        for pattern, wanted, states in EXPECTED:
            if fnmatch.fnmatch(self.name(image), pattern):
                if found != wanted or state not in states:
                    self.fault(image, f"is {wanted} {'/'.join(sorted(states))}, not: {output}")
                break
        # What must be known to use a volume, cryptsetup asks for later.
        if "problem it requires" not in output:
            self.compare(image, state in {"sound", "one_copy_damaged"}, output)

    def compare(self, image, usable, output):
        """cryptsetup's own opinion, on a copy that may be written to."""
        command = "bitlkDump" if output.startswith("bitlk") else "luksDump"
        with tempfile.NamedTemporaryFile() as copy:
            with open(image, "rb") as source:
                suite.copy_sparse(source, copy.name)
            done = subprocess.run(["cryptsetup", "--disable-locks", command, copy.name], capture_output=True, check=False)
        if (done.returncode == 0) != usable:
            self.fault(image, f"cryptsetup ends with {done.returncode} for: {output}{done.stderr}")

    def try_key(self, image, kind, key, slot):
        with tempfile.NamedTemporaryFile() as file:
            file.write(key)
            file.flush()
            output = self.answer(image, ["{header_verdict}", "{image}", kind, file.name], {0})
        opened = re.search(r"^opens (\d+)$", output, re.MULTILINE)
        if not opened or (slot is not None and int(opened[1]) != slot):
            self.fault(image, f"a key ({kind}) should open keyslot {slot}: {output}")
        if not key or key.decode("latin-1") in output:
            self.fault(image, "the key is in the output")
        self.keys_tried += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("header_verdict", type=pathlib.Path)
    parser.add_argument("readiness_verdict", type=pathlib.Path)
    parser.add_argument("stillpoint", type=pathlib.Path)
    parser.add_argument("--more", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", default="*", help="images with such names, for trying things out")
    options = parser.parse_args()
    missing = [tool for tool in ("jq", "xxd", "cryptsetup") if not shutil.which(tool)]
    if missing:
        print("skipped: there is no", ", ".join(missing))
        return 77
    tests = suite.fetch()
    with tempfile.TemporaryDirectory(prefix="sp-images-") as folder:
        root = pathlib.Path(folder)
        suite.unpack(tests, root)
        suite.generate(tests, root, root / "luks2_valid_hdr.img")
        for name in ("compatimage.img", "compatimage2.img", "luks2_valid_hdr.img", "bitlk-images/bitlk-aes-xts-128.img"):
            suite.spoil(root / name, root / "spoiled")
        more = [file for extra in options.more for file in extra.resolve().rglob("*") if file.is_file()]
        images = sorted(file for file in root.rglob("*") if file.is_file()) + sorted(more)
        run = Run(root, vars(options))
        images = [image for image in images if fnmatch.fnmatch(run.name(image), options.only)]
        for image in images:
            run.feed(image)
        for pattern, kind, key, slot in [*KEYS, *bitlk_keys(root / "bitlk-images")]:
            matching = [image for image in images if fnmatch.fnmatch(run.name(image), pattern)]
            if not matching and options.only == "*":
                run.faults.append(f"there is no image {pattern}")
            for image in matching:
                run.try_key(image, kind, key, slot)
    for verdict, count in sorted(run.verdicts.items()):
        print(f"{count:4} {verdict}")
    print(f"{len(images)} images, {len(COMMANDS)} commands each, {run.keys_tried} keys, {len(run.faults)} faults")
    print("\n".join(run.faults))
    return 1 if run.faults else 0


sys.exit(main())
