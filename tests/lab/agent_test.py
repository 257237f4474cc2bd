#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Under systemd: the worker outlives the VM agent's service, and the control group that a command is run in.

    agent_test.py FOLDER      with the static executables; as root; boots virtual machines

The service here is no VM agent: it calls `enable` the way that one does, and like its unit has no KillMode, so that
everything in its control group is killed when it is restarted.
"""
import json
import pathlib
import sys

from held import DATA, LabTest, main, report

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import request  # noqa: E402

NAME = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
BASE = f"/var/lib/waagent/{NAME}-1.0.0.1"
LOGS = f"/var/log/azure/{NAME}"
BACKUPS = "stillpoint-backup-*.service"
RUNNING = "4"
SERVICE = f"""[Service]
Environment=ConfigSequenceNumber={{sequence}}
WorkingDirectory={BASE}
ExecStart=/bin/sh -c '{{command}}; echo $? >/run/enabled; exec sleep 1000'
"""
ENABLE = f"setsid /bin/sh -c \"{BASE}/bin/stillpoint enable\""
# As on the distributions whose control groups the VM agent uses: azurelinuxagent/ga/cgroupapi.py in
# https://github.com/Azure/WALinuxAgent.
SLICE = "azure-vmextensions-stillpoint.slice"
IN_SCOPE = f"systemd-run --quiet --unit=enable_lab --scope --slice={SLICE} {ENABLE}"
UNTIL = "timeout 60 sh -c 'until {condition}; do sleep 0.1; done'"


class AgentTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        environment = [{"name": NAME, "version": 1.0, "handlerEnvironment": {
            "logFolder": LOGS, "configFolder": f"{BASE}/config", "statusFolder": f"{BASE}/status",
            "heartbeatFile": f"{BASE}/heartbeat.log", "eventsFolder": f"{LOGS}/events"}}]
        cls.guest.run(f"mkdir -p {BASE}/bin {BASE}/config {BASE}/status {LOGS}/events /etc/stillpoint /run/host && "
                      f"cp /opt/stillpoint/bin/* {BASE}/bin/")
        cls.write(f"{BASE}/HandlerEnvironment.json", json.dumps(environment))
        disks = cls.guest.run("ls /sys/class/block").text.split()
        luns = {cls.guest.run(f"basename $(readlink -f /dev/disk/azure/scsi1/lun{lun})").text.strip(): lun
                for lun in range(len(DATA))}
        devices = cls.guest.run(f"for m in {' '.join(DATA)}; do findmnt -n -o MAJ:MIN $m; done").text.split()
        places = "\n".join(f"{name} = {luns.get(name, 'local')}" for name in disks)
        cls.write("/etc/stillpoint/stillpoint.conf",
                  f"[hold]\nonly_devices = {','.join(devices)}\n[disks]\n{places}\n"
                  "[host]\nendpoint = http://127.0.0.1:8080\n")
        cls.guest.put(pathlib.Path(__file__).resolve().parent / "host.pl", "/run/host.pl")
        cls.guest.run("setsid perl /run/host.pl </dev/null >/run/host.log 2>&1 &")
        cls.sequence = 0

    @classmethod
    def write(cls, path, text):
        cls.guest.run(f"cat > '{path}'", data=text.encode())

    def setUp(self):
        super().setUp()
        type(self).sequence += 1
        self.guest.run("rm -f /run/host/answer /run/host/asked /run/enabled")
        self.write(f"{BASE}/config/{self.sequence}.settings", request.settings_file(request.public()))
        self.addCleanup(self.stop_service)

    def stop_service(self):
        self.guest.run("touch /run/host/answer; systemctl stop lab-agent; systemctl reset-failed; true", check=False)

    def start_service(self, command):
        self.write("/run/systemd/system/lab-agent.service", SERVICE.format(
            sequence=self.sequence, command=command.replace("%", "%%")))
        self.guest.run("systemctl daemon-reload && systemctl start lab-agent")

    def wait(self, condition):
        self.guest.run(UNTIL.format(condition=condition), 90)

    def begin(self, command):
        """A backup that is held until the host may answer: the pid of its worker."""
        self.start_service(command)
        self.wait("[ -e /run/enabled ] && grep -q dosnapshot /run/host/asked")
        self.assertEqual("0", self.guest.run("cat /run/enabled").text.strip())
        self.assert_blocked(DATA[0])
        return int(self.workers())

    def workers(self):
        """`enable` has ended: whatever runs of that name is a worker."""
        return self.guest.run("pidof stillpoint", check=False).text.strip()

    def status(self):
        """Code of the present status file."""
        text = self.guest.run(f"cat {BASE}/status/{self.sequence}.status").text
        return json.loads(json.loads(text)[0]["status"]["substatus"][0]["name"])[0]["status"]["code"]

    def wait_for_end(self):
        self.wait("! pidof stillpoint >/dev/null")
        return self.status()

    def control_group_of(self, pid):
        return self.guest.run(f"cat /proc/{pid}/cgroup").text

    def asked(self):
        return self.guest.run("grep -c dosnapshot /run/host/asked", check=False).text.strip()

    def restart_service(self):
        self.guest.run("rm /run/enabled; systemctl restart lab-agent")
        self.wait("[ -e /run/enabled ]")


class ServiceTest(AgentTest):
    def test_the_worker_outlives_a_restart_of_the_service(self):
        worker = self.begin(ENABLE)
        self.assertIn("stillpoint-backup-", self.control_group_of(worker))
        self.restart_service()
        self.assertEqual(str(worker), self.workers())
        self.assert_blocked(DATA[0])
        self.assertEqual(RUNNING, self.status())
        self.guest.run("touch /run/host/answer")
        self.assertEqual("1", self.wait_for_end())
        self.assertEqual("1", self.asked())

    def test_the_worker_outlives_the_slice_of_the_extensions(self):
        worker = self.begin(IN_SCOPE)
        self.assertNotIn("azure-vmextensions", self.control_group_of(worker))
        self.wait("! systemctl is-active -q enable_lab.scope")  # nothing of ours keeps it
        self.guest.run(f"systemctl stop {SLICE}; systemctl stop lab-agent")
        self.assertEqual(str(worker), self.workers())
        self.assert_blocked(DATA[0])
        self.guest.run("touch /run/host/answer")
        self.assertEqual("1", self.wait_for_end())


class NoTransientUnits(AgentTest):
    """systemd starts no unit for us: the worker is in the service's control group and ends with it."""

    def test_all_is_let_go_and_the_end_is_told_by_the_next_call(self):
        self.guest.run("mount --bind /bin/false /usr/bin/systemd-run")
        try:
            worker = self.begin(ENABLE)
            self.assertIn("lab-agent", self.control_group_of(worker))
            times = self.probe(60, DATA, "systemctl restart lab-agent")
            self.assertNotIn(None, times.values())
            report("writable after a restart of the service that the worker belongs to", times.values())
            self.wait(f"[ -e {BASE}/status/{self.sequence}.status ] && ! pidof stillpoint >/dev/null")
        finally:
            self.guest.run("umount /usr/bin/systemd-run")
        self.assertEqual("2", self.status())
        self.assertEqual("1", self.asked())


if __name__ == "__main__":
    main()
