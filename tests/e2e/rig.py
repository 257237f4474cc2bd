# SPDX-License-Identifier: Apache-2.0
"""The extension's folder as the Linux VM agent lays it out, and its commands run as that agent runs them.

Public source of the layout and of the way commands are started: https://github.com/Azure/WALinuxAgent,
azurelinuxagent/ga/exthandlers.py. Only inside a room (room.py): the extension's other files are at fixed paths.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time

import request

NAME, VERSION = "Contoso.Backup.VMSnapshotLinux", "9.9.0.1"
MACHINE = "{b21a5e6e-1111-2222-3333-444455556666}"
ETC_AZURE, ETC_OWN, STATE = pathlib.Path("/etc/azure"), pathlib.Path("/etc/stillpoint"), pathlib.Path("/var/lib/stillpoint")
COMMAND_LIMIT_S = 60
TRANSITION = "4"


@dataclasses.dataclass
class Ended:
    code: int
    output: str
    seconds: float


class Status:
    """A status file: `outer` is what the VM agent reads, `inner` the report inside it."""

    def __init__(self, text):
        self.text = text
        self.outer = json.loads(text)[0]["status"]
        self.substatus = self.outer["substatus"][0]
        self.inner = json.loads(self.substatus["name"])[0]["status"]
        self.code = int(self.inner["code"])
        self.message = json.loads(self.inner["formattedMessage"]["message"])
        self.health = self.inner["vmHealthInfo"]
        self.disks = self.inner["snapshotInfo"]
        self.facts = {entry["Key"]: entry["Value"] for entry in self.inner["telemetryData"] or []}

    @property
    def consistency(self):
        return self.message["snapshotConsistency"]

    def __str__(self):
        return f"{self.code} {self.inner['status']}: {self.message} {self.health} {self.facts}"


def make_certificate(folder):
    """(certificate, key, thumbprint), named and written as the VM agent leaves them."""
    key, certificate = folder / "new.key", folder / "new.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                    "/CN=TenantEncryptionCert", "-keyout", key, "-out", certificate], check=True, capture_output=True,
                   timeout=60)
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha1"], check=True,
                           capture_output=True, text=True, timeout=30).stdout
    thumbprint = shown.strip().partition("=")[2].replace(":", "")
    attributes = "Bag Attributes\n    localKeyID: 01 00 00 00 \nKey Attributes: <No Attributes>\n"
    (folder / f"{thumbprint}.prv").write_text(attributes + key.read_text(encoding="ascii"), encoding="ascii")
    certificate.rename(folder / f"{thumbprint}.crt")
    key.unlink()
    for name in (f"{thumbprint}.prv", f"{thumbprint}.crt"):
        (folder / name).chmod(0o400)
    return folder / f"{thumbprint}.crt", folder / f"{thumbprint}.prv", thumbprint


class Rig:
    def __init__(self, folder, programs, version=VERSION, certificate_from=None, name=NAME, root=None):
        """`programs`: the folder of the executables. `certificate_from`: a folder with a pair made before. `root`:
        commands run with this folder, which holds all the others, as their root."""
        self._root, self._name = root, name
        self.lib = folder / "waagent"
        self.base = self.lib / f"{name}-{version}"
        self.logs = folder / "log" / name
        self.status_folder, self.config_folder = self.base / "status", self.base / "config"
        self.events_folder = self.logs / "events"
        self.version, self._folder, self._programs = version, folder, programs
        self.lib.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.events_folder.mkdir(mode=0o700, exist_ok=True)
        self._unpack()
        if certificate_from:
            for name in certificate_from.iterdir():
                shutil.copy2(name, self.lib)
        elif not list(self.lib.glob("*.prv")):
            make_certificate(self.lib)
        self.certificate = next(self.lib.glob("*.crt"))
        self.key = self.certificate.with_suffix(".prv")
        self.thumbprint = self.certificate.stem
        (self.lib / "HostingEnvironmentConfig.xml").write_text(
            f'<HostingEnvironmentConfig><Deployment name="d"/><Role guid="{MACHINE}" name="vm"/>'
            "</HostingEnvironmentConfig>", encoding="utf-8")

    def inside(self, path):
        """As the guest's programs see it."""
        return f"/{path.relative_to(self._root)}" if self._root else str(path)

    def _unpack(self):
        self.base.mkdir()
        (self.base / "bin").mkdir()
        manifest = next(found for found in (self._programs.parent / "package/HandlerManifest.json",
                                            self._programs.parent / "HandlerManifest.json") if found.exists())
        shutil.copy(manifest, self.base)
        for name in ("stillpoint", "stillpoint-guard"):
            self._put(self._programs / name, self.base / "bin" / name)
        for path in self.base.rglob("*"):
            if path.is_file():
                path.chmod(0o744)  # chmod u+x of every file, as the VM agent does
        for created in (self.status_folder, self.config_folder):
            created.mkdir(mode=0o700)
        self._manifest = json.loads(manifest.read_text(encoding="utf-8"))[0]["handlerManifest"]
        environment = {"logFolder": self.logs, "configFolder": self.config_folder,
                       "statusFolder": self.status_folder, "heartbeatFile": self.base / "heartbeat.log",
                       "eventsFolder": self.events_folder, "eventsFolder_preview": self.events_folder}
        environment = {member: self.inside(path) for member, path in environment.items()}
        (self.base / "HandlerEnvironment.json").write_text(
            json.dumps([{"name": self._name, "version": 1.0, "handlerEnvironment": environment}]), encoding="utf-8")

    @staticmethod
    def _put(program, target):
        try:
            os.link(program, target)  # quicker, where it is on the same filesystem
        except OSError:
            shutil.copy(program, target)

    # Configuration

    @staticmethod
    def configure(disks, luns, host_port=None, only=None, limit_s=None, ca_bundle=None, network=(),
                  etc=ETC_AZURE.parent):
        """Own configuration: `luns` by device, None for one that must be found out; every other disk of the machine is
        never snapshotted."""
        places = {name: "local" for name in os.listdir("/sys/class/block")
                  if not pathlib.Path(f"/sys/class/block/{name}/partition").exists()}
        places.update({pathlib.Path(device).name: lun for device, lun in luns.items()})
        only = [disk["superblock"] for disk in disks] if only is None else only
        lines = ["[hold]", f"only_devices = {','.join(only)}", "", "[disks]",
                 *(f"{name} = {place}" for name, place in sorted(places.items()) if place is not None)]
        if host_port is not None:
            lines += ["", "[host]", f"endpoint = http://127.0.0.1:{host_port}"]
        if ca_bundle is not None:
            lines += ["", "[tls]", f"ca_bundle = {ca_bundle}"]
        if network:
            lines += ["", "[network]", *network]
        own, azure = etc / ETC_OWN.name, etc / ETC_AZURE.name
        for folder in (own, azure):
            folder.mkdir(exist_ok=True)
        (own / "stillpoint.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if limit_s is not None:
            (azure / "vmbackup.conf").write_text(f"[SnapshotThread]\ntimeout = {limit_s}\n", encoding="utf-8")

    def write_settings(self, sequence, public, protected=None, cipher="aes-256-cbc"):
        sealed = request.seal(protected, self.certificate, cipher) if protected is not None else None
        self.write_settings_text(sequence, request.settings_file(public, sealed, self.thumbprint))

    def write_settings_text(self, sequence, text):
        path = self.config_folder / f"{sequence}.settings"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)

    # Commands

    def run(self, command, sequence=0, limit_s=COMMAND_LIMIT_S, **variables):
        """One command of the manifest to its end: a shell in a session of its own, output into files."""
        environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LANG": "C.UTF-8",
                       "ConfigSequenceNumber": str(sequence),
                       "AZURE_GUEST_AGENT_EXTENSION_PATH": self.inside(self.base),
                       "AZURE_GUEST_AGENT_EXTENSION_VERSION": self.version,
                       "AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS": "168.63.129.16",
                       "AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE": "NOT_RUN",
                       "AZURE_GUEST_AGENT_EXTENSION_SUPPORTED_FEATURES":
                           '[{"Key": "ExtensionTelemetryPipeline", "Value": "1.0"}]', **variables}
        with open(self._folder / "command.out", "w+b") as out:
            began = time.monotonic()
            program = f"{self.inside(self.base)}/{self._manifest[command + 'Command']}"
            process = subprocess.Popen(["/bin/sh", "-c", program], cwd=self.base, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       start_new_session=True, umask=0o022,
                                       preexec_fn=(lambda: os.chroot(self._root)) if self._root else None)
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # the group only, as the VM agent does
                process.wait()
                raise
            seconds = time.monotonic() - began
            out.seek(0)
            return Ended(process.returncode, out.read().decode("utf-8", "replace"), seconds)

    def replace_command(self, command, words):
        """Run `words`, below the extension's folder, instead of what the manifest says."""
        self._manifest[f"{command}Command"] = words

    def install(self):
        return self.run("install")

    # What there is to see

    def status(self, sequence):
        """None if there is no file. A half-written one raises."""
        try:
            return Status((self.status_folder / f"{sequence}.status").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def wait_for_end(self, sequence, limit_s=60):
        """The first document of `sequence` that is not "in progress"."""
        limit = time.monotonic() + limit_s
        while True:
            status = self.status(sequence)
            if status is not None and status.inner["code"] != TRANSITION:
                return status
            if time.monotonic() > limit:
                raise RuntimeError(f"no final status within {limit_s} s; the last one: {status}\n{self.log()}")
            time.sleep(0.01)

    def backup(self, sequence, limit_s=60, **variables):
        """`enable`, with these in its environment, and its final document."""
        ended = self.run("enable", sequence, **variables)
        if ended.code != 0:
            raise RuntimeError(f"enable left with {ended.code}: {ended.output}\n{self.status(sequence)}\n{self.log()}")
        return self.wait_for_end(sequence, limit_s)

    def log(self):
        return "\n".join(path.read_text(encoding="utf-8", errors="replace")
                         for path in sorted(self.logs.glob("*.log*")) if path.is_file())

    def events(self):
        found = []
        for path in sorted(self.events_folder.glob("*.json")):
            document = json.loads(path.read_text(encoding="utf-8"))
            found += document if isinstance(document, list) else [document]
        return found


def processes():
    """{pid: command line} of this process namespace, without this process and process 1."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) not in (1, os.getpid()):
            with contextlib.suppress(OSError):
                state = pathlib.Path(f"/proc/{entry}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
                words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace").split("\0")
                if state not in "ZX":
                    found[int(entry)] = [word for word in words if word]
    return found


def ours(kind=None):
    """Pids of the extension's processes: the worker, the guard, whatever; only of `kind` ("worker", "guard")."""
    found = []
    for pid, words in processes().items():
        program = os.path.basename(words[0]) if words else ""
        is_guard = program == "stillpoint-guard" and "--watch" not in words
        is_worker = program == "stillpoint" and "worker" in words
        if program.startswith("stillpoint") and (kind is None or (kind == "guard" and is_guard)
                                                 or (kind == "worker" and is_worker)):
            found.append(pid)
    return found


def files_below(*folders):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
