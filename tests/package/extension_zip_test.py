#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The extension zip as the VM agent sees it. Arguments: the package folder of a build, an executable."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "extension_zip.py"


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True)


class ExtensionZip(unittest.TestCase):
    package = None
    executable = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="extension-zip-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def build(self, name, source=None):
        source = source or self.package
        target = self.folder / name
        done = run("build", target, "--level", "1", "--executable", self.executable, "--file",
                   source / "HandlerManifest.json", "--file", source / "manifest.xml")
        self.assertEqual(done.returncode, 0, done.stderr)
        return target

    def changed_manifest(self, change):
        source = self.folder / "changed"
        source.mkdir()
        shutil.copy(self.package / "manifest.xml", source)
        document = json.loads((self.package / "HandlerManifest.json").read_text())
        (source / "HandlerManifest.json").write_text(json.dumps(change(document)))
        return self.build("changed.zip", source)

    def expect_fault(self, path, text):
        done = run("check", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(text, done.stderr)

    def test_has_the_layout_the_agent_needs(self):
        path = self.build("a.zip")
        done = run("check", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        with zipfile.ZipFile(path) as archive:
            self.assertEqual(archive.namelist(), ["HandlerManifest.json", "bin/stillpoint", "manifest.xml"])
            self.assertEqual(len(json.loads(archive.read("HandlerManifest.json"))), 1)

    def test_is_the_same_bytes_from_the_same_files(self):
        first = self.build("a.zip").read_bytes()
        later = self.folder / "later"
        shutil.copytree(self.package, later)
        for path in later.iterdir():
            os.utime(path, (1234567890, 1234567890))
            path.chmod(0o600)
        self.assertEqual(first, self.build("b.zip", later).read_bytes())

    def test_is_unpacked_with_a_command_that_starts(self):
        with zipfile.ZipFile(self.build("a.zip")) as archive:
            archive.extractall(self.folder)
        program = self.folder / "bin" / "stillpoint"
        program.chmod(0o744)  # what the agent does
        done = subprocess.run([program, "explain", "121"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("121", done.stdout)

    def test_a_bare_object_is_refused(self):
        self.expect_fault(self.changed_manifest(lambda document: document[0]), "array with one object")

    def test_a_command_without_its_executable_is_refused(self):
        def change(document):
            document[0]["handlerManifest"]["enableCommand"] = "bin/other enable"
            return document
        self.expect_fault(self.changed_manifest(change), "enableCommand")

    def test_a_flag_as_text_is_refused(self):
        def change(document):
            document[0]["handlerManifest"]["reportHeartbeat"] = "false"
            return document
        self.expect_fault(self.changed_manifest(change), "reportHeartbeat")

    def test_a_nested_manifest_is_refused(self):
        path = self.folder / "nested.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("Stillpoint/HandlerManifest.json", "[{}]")
        self.expect_fault(path, "not at the root")

    def test_a_dynamic_executable_is_seen(self):
        self.executable = pathlib.Path(shutil.copy(sys.executable, self.folder / "stillpoint"))
        done = run("check", "--static", self.build("a.zip"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a static executable", done.stderr)


if __name__ == "__main__":
    ExtensionZip.package = pathlib.Path(sys.argv[1])
    # As it is shipped: a debug build's symbols only take time here.
    with tempfile.TemporaryDirectory() as folder:
        ExtensionZip.executable = pathlib.Path(folder) / "stillpoint"
        subprocess.run(["strip", "-o", ExtensionZip.executable, sys.argv[2]], check=True)
        unittest.main(argv=sys.argv[:1])
