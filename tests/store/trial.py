# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder and of ../scratch share: a front, a load, a judge, and when to skip."""
import contextlib
import http.client
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import threading
import time

import child

HERE = pathlib.Path(__file__).resolve().parent
SCRATCH = HERE.parent / "scratch"
sys.path.insert(0, str(SCRATCH))
SKIPPED = 77  # what CTest is told to take for "skipped"
START_LIMIT_S = 30
STOP_LIMIT_S = 20


def skip_unless(root=False, tools=()):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if root and os.geteuid() != 0:
        print("skipped: needs root (mounts, block devices and FIFREEZE)", file=sys.stderr)
        sys.exit(SKIPPED)
    if missing:
        print(f"skipped: not installed: {', '.join(missing)}", file=sys.stderr)
        sys.exit(SKIPPED)


def first_line(process, what):
    """The first line of its standard output, within the limit."""
    ready, _, _ = select.select([process.stdout], [], [], START_LIMIT_S)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.kill()
        process.wait()
        raise RuntimeError(f"{what} did not start")
    return json.loads(line)


class Running:
    """A helper process that prints JSON lines; ended with SIGTERM."""

    def __init__(self, command, what):
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                         preexec_fn=child.dies_with_parent)
        self.ready = first_line(self._process, what)
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._reader.join(timeout=STOP_LIMIT_S)
            self._process.stdout.close()
        return self._process.returncode


@contextlib.contextmanager
def writer(program, mounts, heavy=False):
    """Yields the running load; after the block its `.report` is there."""
    load = Running([program, *(["--heavy"] if heavy else []), *mounts], "scratch_writer")
    try:
        yield load
    finally:
        code = load.stop()
    if code != 0:
        raise RuntimeError(f"scratch_writer ended with {code}")
    load.report = load.lines[-1]["mounts"]


class Front(Running):
    def __init__(self, *arguments):
        super().__init__([sys.executable, str(HERE / "front.py"), *map(str, arguments)], "front")
        host, _, port = self.ready["listening"][0].rpartition(":")
        self.address = (host, int(port))

    def call(self, method, target, body=b"", headers=None, timeout_s=60):
        """(status, headers, body), on a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=timeout_s)) as connection:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()


@contextlib.contextmanager
def front(*arguments):
    running = Front(*arguments)
    try:
        yield running
    finally:
        running.stop()


def judge(*images):
    """(exit code, one result for each image, the result of all)."""
    done = subprocess.run([sys.executable, str(SCRATCH / "judge.py"), *map(str, images)], check=False,
                          capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, lines[:-1], lines[-1] if lines else {"stderr": done.stderr}


def in_parallel(action, items):
    """Results of action(item), in order; the first failure is raised."""
    results = [None] * len(items)

    def one(index, item):
        try:
            results[index] = action(item)
        except BaseException as error:  # handed on below
            results[index] = error

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(items)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def wait_until(condition, what, limit_s=20):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {limit_s} s: {what}")
        time.sleep(0.02)


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
