#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Under systemd: a backup and the keeper of its scripts are services of their own, and the scripts find what the VM
agent set. No host answers here, so no snapshot is taken; the scripts run all the same.

    scripts_test.py FOLDER      with the static executables; as root; boots a virtual machine
"""
import json
import pathlib
import sys

from held import STILLPOINT, LabTest, main

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import request  # noqa: E402

BASE = "/var/lib/waagent/Contoso.Backup-1.0.0.0"
BACKUP, KEEPER = "stillpoint-backup-*.service", "stillpoint-scripts-*.service"
PREPARE = f"""rm -rf {BASE} /run/trace /run/seen /run/left
mkdir -p {BASE}/config {BASE}/status /var/log/azure/Contoso.Backup /etc/azure /etc/stillpoint
cat >{BASE}/HandlerEnvironment.json"""
WAIT = "timeout {limit} sh -c 'until {condition}; do sleep 0.05; done'"


class Scripts(LabTest):
    number = 0

    def setUp(self):
        super().setUp()
        environment = {"logFolder": "/var/log/azure/Contoso.Backup", "configFolder": f"{BASE}/config",
                       "statusFolder": f"{BASE}/status", "heartbeatFile": f"{BASE}/heartbeat.log"}
        self.guest.run(PREPARE, data=json.dumps([{"name": "Contoso.Backup", "version": 1.0,
                                                  "handlerEnvironment": environment}]).encode())
        # Nobody listens at that port.
        self.write("/etc/stillpoint/stillpoint.conf", "[host]\nendpoint = http://127.0.0.1:9\n", "600")

    def write(self, path, text, mode):
        self.guest.run(f"cat >{path}; chmod {mode} {path}", data=text.encode())

    def set_up(self, pre, post):
        for name, text in (("pre", pre), ("post", post)):
            self.write(f"/etc/azure/{name}.sh", f"echo {name} >>/run/trace\n{text}\n", "700")
        self.write("/etc/azure/VMSnapshotScriptPluginConfig.json", json.dumps(
            {"preScriptLocation": "/etc/azure/pre.sh", "postScriptLocation": "/etc/azure/post.sh",
             "timeoutInSeconds": 120}), "600")

    def enable(self):
        Scripts.number += 1
        self.write(f"{BASE}/config/{self.number}.settings", request.settings_file(request.public()), "600")
        self.guest.run(f"cd {BASE} && AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS=168.63.129.16 "
                       f"ConfigSequenceNumber={self.number} {STILLPOINT} enable")

    def wait_for(self, condition, limit_s=240):
        self.guest.run(WAIT.format(limit=limit_s, condition=condition), limit_s + 30)

    def trace(self):
        return self.guest.run("cat /run/trace").text.split()

    def wait_for_end(self):
        self.wait_for(f"[ -z \"$(systemctl list-units --no-legend --plain --state=active {BACKUP} {KEEPER})\" ]")

    def test_scripts_find_what_the_vm_agent_set(self):
        self.set_up('echo "$ConfigSequenceNumber $AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS $(pwd) $(umask)" >/run/seen\n'
                    'cat /proc/$$/cgroup >>/run/seen\nsleep 1000 & echo $! >/run/left', "kill $(cat /run/left)")
        self.enable()
        self.wait_for_end()

        seen = self.guest.run("cat /run/seen").text.splitlines()
        self.assertEqual(f"{self.number} 168.63.129.16 {BASE} 0022", seen[0])
        self.assertIn("/stillpoint-scripts-", seen[1])
        self.assertEqual(["pre", "post"], self.trace())
        status = self.guest.run(f"cat {BASE}/status/{self.number}.status").text
        self.assertEqual("76", json.loads(status)[0]["status"]["code"])

    def test_the_post_script_runs_when_the_whole_backup_is_killed(self):
        self.set_up("echo >/run/left; sleep 1000", "")
        self.enable()
        self.wait_for("[ -e /run/left ]")
        self.guest.run(f"systemctl kill --signal=KILL '{BACKUP}'")
        self.wait_for_end()

        self.assertEqual(["pre", "post"], self.trace())
        self.assertEqual("", self.guest.run("pgrep -x sleep || true").text)
        self.guest.run(f"systemctl reset-failed '{BACKUP}' || true")

    def test_what_the_post_script_starts_outlives_the_backup(self):
        self.set_up("", "sleep 1000 >/dev/null 2>&1 & echo $! >/run/left")
        self.enable()
        self.wait_for_end()

        self.guest.run("kill -0 $(cat /run/left) && kill $(cat /run/left)")


if __name__ == "__main__":
    main()
