#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts before and after the snapshot, set up as people have them: what is run and when, each published number from
300 to 318, and that an application never stays at rest."""
import json
import os
import pathlib
import signal

import case
import request
import rig

CRASH, FILE_SYSTEM, APPLICATION = 3, 1, 2
CONFIG = rig.ETC_AZURE / "VMSnapshotScriptPluginConfig.json"
HOST_CONFIG = rig.ETC_AZURE / "VMSnapshotPluginHost.conf"
NOBODY = 65534


class ScriptsCase(case.EndToEnd):
    def setUp(self):
        super().setUp()
        self.start_front()
        self.configure()
        self.trace = self.folder / "trace"
        self.pre, self.post = rig.ETC_AZURE / "pre.sh", rig.ETC_AZURE / "post.sh"
        self.set_up()

    def write(self, path, text, mode=0o700):
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def set_up(self, pre="", post="", **config):
        """Both scripts leave a word in the trace before they do what they are for."""
        self.write(self.pre, f"echo pre >>{self.trace}\n{pre}\n")
        self.write(self.post, f"echo post >>{self.trace}\n{post}\n")
        settings = {"pluginName": "ScriptRunner", "timeoutInSeconds": 20, "preScriptLocation": str(self.pre),
                    "postScriptLocation": str(self.post), "preScriptParams": [], "postScriptParams": [],
                    "preScriptNoOfRetries": 0, "postScriptNoOfRetries": 0, "continueBackupOnFailure": True,
                    "fsFreezeEnabled": True, **config}
        self.write(CONFIG, json.dumps(settings, indent=4), 0o600)

    def plug_in(self, text=None, mode=0o644):
        self.write(HOST_CONFIG, text or "[pre_post]\ntimeoutInSeconds = 1800\nnumberOfPlugins = 1\n"
                   f"pluginName0 = ScriptRunner\npluginPath0 = /etc/azure\npluginConfigPath0 = {CONFIG}\n", mode)

    def backup(self, sequence=1, **more):
        self.ask_for(sequence, request.public(**more))
        return self.guest.backup(sequence)

    def traced(self):
        return self.trace.read_text(encoding="utf-8").split() if self.trace.exists() else []

    def check(self, status, code, word, health, consistency):
        self.assertEqual((code, word, consistency), (status.code, status.inner["status"], status.consistency), status)
        self.assertEqual({"vmHealthState": 0 if health < 2 else 128, "vmHealthStatusCode": health}, status.health)


class RunTest(ScriptsCase):
    def test_scripts_make_it_application_consistent(self):
        self.set_up(f'echo "$0 $1 $ConfigSequenceNumber $(pwd) $(umask) $(id -u)" >{self.folder}/seen',
                    preScriptParams=["a b"], appName="oracle")
        status = self.backup(7)
        self.check(status, 0, "success", 0, APPLICATION)
        self.assertEqual(["pre", "post"], self.traced())
        self.assertTrue(status.message["messageStr"].startswith("Enable Succeeded with App Consistent Snapshot"))
        self.assertEqual(("true", "oracle", "applicationConsistent"), tuple(
            status.facts[key] for key in ("isPrePostEnabled", "appName", "consistencyType")))
        self.assertEqual(f"{self.pre} a b 7 {self.guest.base} 0022 0\n",
                         (self.folder / "seen").read_text(encoding="utf-8"))

    def test_the_host_is_asked_before_and_after_the_scripts_and_nothing_is_held_meanwhile(self):
        # Each writes to every filesystem, and the host is called between them.
        touch = "".join(f"echo x >{mount}/$(basename $0) && sync -f {mount}\n" for mount in self.mounts)
        uptime = "read now rest </proc/uptime; echo $now"  # of the clock that the host notes its calls by
        self.set_up(f"{touch}{uptime} >{self.folder}/pre_ends", f"{uptime} >{self.folder}/post_begins\n{touch}")
        self.check(self.backup(), 0, "success", 0, APPLICATION)
        (first, second), (taken,) = self.calls("presnapshot"), self.calls("dosnapshot")
        ends, begins = (float((self.folder / name).read_text(encoding="utf-8")) for name in ("pre_ends", "post_begins"))
        hundredth = 0.01  # what that file is rounded down to
        self.assertLess(first["at_ns"] / 1e9, ends)
        self.assertLess(ends, second["at_ns"] / 1e9)
        self.assertGreater(begins + hundredth, taken["copy_ended_ns"] / 1e9)
        for mount in self.mounts:
            for name in ("pre.sh", "post.sh"):
                self.assertTrue(pathlib.Path(mount, name).exists())

    def test_without_a_configuration_nothing_is_said_of_scripts(self):
        CONFIG.unlink()
        status = self.backup()
        self.check(status, 1, "success", 1, FILE_SYSTEM)
        self.assertNotIn("isPrePostEnabled", status.facts)
        self.assertEqual([], self.traced())
        self.assertNotIn("scripts:", self.guest.log().replace("Debug  scripts:", ""))

    def test_a_megabyte_of_output_stops_nobody(self):
        self.set_up("echo first words; head -c 1048576 /dev/zero | tr '\\0' x; echo; echo last words >&2")
        self.check(self.backup(), 0, "success", 0, APPLICATION)
        log = self.guest.log()
        self.assertIn("first words", log)
        self.assertIn("last words", log)
        self.assertLess(max(len(line) for line in log.splitlines()), 6000)

    def test_secrets_that_a_script_prints_are_masked(self):
        self.set_up("echo 'https://x/y?sig=abc'; exit 1")
        status = self.backup()
        self.check(status, 1, "success", 300, FILE_SYSTEM)
        self.assertIn("https://x/y?***", status.message["messageStr"])

    def test_a_script_is_run_again_after_a_failure(self):
        self.set_up(f"test $(grep -c pre {self.trace}) -ge 3", preScriptNoOfRetries=2)
        self.check(self.backup(), 0, "success", 0, APPLICATION)
        self.assertEqual(["pre", "pre", "pre", "post"], self.traced())

    def test_without_a_freeze_it_is_worth_what_it_is(self):
        self.set_up(fsFreezeEnabled=False)
        with self.start_pulse() as beat:
            status = self.backup()
            self.assertLess(beat.longest_ms(), 400, "something was held")
        self.check(status, 1, "success", 121, CRASH)
        self.assertEqual(["pre", "post"], self.traced())

    def test_the_post_script_runs_though_no_snapshot_was_taken(self):
        self.break_things({"path": "dosnapshot", "status": 500, "body": "<html>Internal error</html>"})
        self.assertEqual(556, self.backup().code)
        self.assertEqual(["pre", "post"], self.traced())

    def test_two_plugins(self):
        other = rig.ETC_AZURE / "other.json"
        for name in ("a", "b"):
            self.write(rig.ETC_AZURE / name, f"echo other-{name} >>{self.trace}\n")
        self.write(other, json.dumps({"preScriptLocation": str(rig.ETC_AZURE / "a"),
                                      "postScriptLocation": str(rig.ETC_AZURE / "b")}), 0o600)
        self.plug_in("[pre_post]\nnumberOfPlugins = 2\npluginName0 = ScriptRunner\npluginName1 = ScriptRunner\n"
                     f"pluginConfigPath0 = {CONFIG}\npluginConfigPath1 = {other}\n")
        self.check(self.backup(), 0, "success", 0, APPLICATION)
        self.assertEqual([{"pre", "other-a"}, {"post", "other-b"}],
                         [set(self.traced()[:2]), set(self.traced()[2:])])


class FailureTest(ScriptsCase):
    """Every number from 300 to 318."""

    def stopped(self, code, phase, traced):
        status = self.backup()
        self.check(status, code, "error", code, 0)
        self.assertTrue(status.message["messageStr"].startswith(phase), status)
        self.assertEqual(traced, self.traced())
        self.assertEqual([], self.calls("dosnapshot"))
        return status

    def went_on(self, code, traced):
        status = self.backup()
        self.check(status, 1, "success", code, FILE_SYSTEM)
        self.assertIn("reason=not every application was quiesced: ", status.message["messageStr"])
        self.assertEqual("true", status.facts["isPrePostEnabled"])
        self.assertEqual(traced, self.traced())
        return status

    PRE, POST = "PreScript failed for the plugin ScriptRunner ", "PostScript failed for the plugin ScriptRunner "
    CHECK = "Plugin Host Precheck Failed "

    def test_300_the_backup_goes_on(self):
        self.set_up("echo no database >&2; exit 3")
        status = self.went_on(300, ["pre", "post"])
        self.assertIn("ended with exit status 3, its last words 'no database'", status.message["messageStr"])
        self.assertEqual("FailedPrepostPreScriptFailed", status.facts["extErrorCode"])

    def test_300_the_backup_does_not_go_on(self):
        self.set_up("exit 3", continueBackupOnFailure=False)
        self.stopped(300, self.PRE + "StatusCode.FailedPrepostPreScriptFailed,", ["pre", "post"])

    def test_301_the_backup_goes_on(self):
        self.set_up("", "exit 1")
        self.went_on(301, ["pre", "post"])

    def test_301_after_a_good_snapshot_is_an_error(self):
        self.set_up("", "exit 1", continueBackupOnFailure=False)
        status = self.backup()
        self.check(status, 301, "error", 301, 0)
        self.assertTrue(status.message["messageStr"].startswith(self.POST), status)
        self.assertEqual(["true"] * 3, [disk["isSuccessful"] for disk in status.disks])

    def test_302_303_a_script_is_missing(self):
        for code, script, name in ((302, self.pre, "Pre"), (303, self.post, "Post")):
            with self.subTest(code):
                self.set_up(continueBackupOnFailure=False)
                script.unlink()
                self.ask_for(code)
                status = self.guest.backup(code)
                self.check(status, code, "error", code, 0)
                self.assertTrue(status.message["messageStr"].startswith(
                    f"{self.CHECK}StatusCode.FailedPrepost{name}ScriptNotFound,"), status)
        self.assertEqual([], self.traced())

    def test_302_the_backup_goes_on(self):
        self.pre.unlink()
        self.went_on(302, [])

    def test_306_the_backup_goes_on(self):
        self.pre.chmod(0o755)
        self.went_on(306, [])

    def test_306_307_permissions(self):
        for code, script, spoil in ((306, self.pre, lambda path: path.chmod(0o755)),
                                    (307, self.post, lambda path: os.chown(path, NOBODY, 0))):
            with self.subTest(code):
                self.set_up(continueBackupOnFailure=False)
                spoil(script)
                self.ask_for(code)
                self.check(self.guest.backup(code), code, "error", code, 0)
                os.chown(script, 0, 0)
        self.assertEqual([], self.traced())

    def tree(self, name):
        """Shell text that leaves a child and a grandchild in a session of its own, and never ends."""
        return (f"sleep 1000 & echo $! >{self.folder}/{name}.child\n"
                f"setsid sh -c '(sleep 1000 & echo $! >{self.folder}/{name}.daemon) & exit' &\nsleep 1000\n")

    def check_tree_is_gone(self, name):
        for kind in ("child", "daemon"):
            pid = int((self.folder / f"{name}.{kind}").read_text(encoding="utf-8"))
            self.assertNotIn(pid, rig.processes(), kind)

    def test_308_309_a_script_takes_too_long(self):
        self.set_up(self.tree("pre"), self.tree("post"), timeoutInSeconds=2)
        self.went_on(308, ["pre", "post"])
        self.check_tree_is_gone("pre")
        self.check_tree_is_gone("post")
        self.set_up("", "sleep 1000", timeoutInSeconds=1)
        self.ask_for(2)
        self.check(self.guest.backup(2), 1, "success", 309, FILE_SYSTEM)

    def test_310_311_a_phase_takes_too_long(self):
        self.plug_in()
        HOST_CONFIG.write_text(HOST_CONFIG.read_text(encoding="utf-8").replace("1800", "2"), encoding="utf-8")
        self.set_up("sleep 1.5; exit 1", preScriptNoOfRetries=5)
        self.went_on(310, ["pre", "pre", "post"])
        self.set_up("", "sleep 1.5; exit 1", postScriptNoOfRetries=5)
        self.ask_for(2)
        self.check(self.guest.backup(2), 1, "success", 311, FILE_SYSTEM)

    def test_312_a_script_changes(self):
        self.set_up(f"echo '# changed' >>{self.post}")
        self.went_on(312, ["pre", "post"])

    def test_312_a_post_script_that_changed_and_succeeded_ends_no_backup(self):
        self.set_up(f"echo '# changed' >>{self.post}", continueBackupOnFailure=False)
        self.went_on(312, ["pre", "post"])

    def test_312_a_post_script_that_is_gone_is_run_as_it_was_checked(self):
        self.set_up(f"rm {self.post}", continueBackupOnFailure=False)
        self.went_on(312, ["pre", "post"])

    def test_312_a_post_script_that_was_not_run_is_an_error(self):
        self.set_up(f"echo '# changed' >>{self.post}; chmod 755 {self.post}", continueBackupOnFailure=False)
        status = self.backup()
        self.check(status, 312, "error", 312, 0)
        self.assertTrue(status.message["messageStr"].startswith(self.POST), status)
        self.assertIn("was not run", status.message["messageStr"])
        self.assertEqual(["pre"], self.traced())

    def test_312_a_pre_script_that_changes_is_not_run_again(self):
        self.set_up("echo '# changed' >>$0; exit 1", preScriptNoOfRetries=3, continueBackupOnFailure=False)
        self.stopped(312, self.PRE + "StatusCode.FailedPrepostCheckSumMismatch,", ["pre", "post"])

    def test_317_318_the_scripts_configuration_is_not_roots_alone(self):
        for code, spoil in ((317, lambda: CONFIG.chmod(0o644)), (318, lambda: os.chown(CONFIG, NOBODY, 0))):
            with self.subTest(code):
                self.set_up(continueBackupOnFailure=False)
                spoil()
                self.ask_for(code)
                self.check(self.guest.backup(code), 1, "success", code, FILE_SYSTEM)
                CONFIG.unlink()
        self.assertEqual([], self.traced())

    def left_out_silently(self, sequence, inner_code):
        self.ask_for(sequence)
        status = self.guest.backup(sequence)
        self.check(status, 1, "success", 1, FILE_SYSTEM)
        self.assertNotIn("isPrePostEnabled", status.facts)
        self.assertEqual([], self.traced())
        self.assertIn(f"[{inner_code}]", self.guest.log())

    def test_304_313_314_315_the_plugin_host(self):
        self.plug_in("[pre_post]\nnumberOfPlugins = 1\npluginName0 = evil\npluginPath0 = /tmp\npluginConfigPath0 = /x\n")
        self.left_out_silently(304, "plugin_host_config_malformed")
        self.assertIn("only 'ScriptRunner' is supported", self.guest.log())
        self.plug_in(mode=0o664)
        self.left_out_silently(314, "plugin_host_config_permissions")
        self.plug_in()
        os.chown(HOST_CONFIG, NOBODY, 0)
        self.left_out_silently(315, "plugin_host_config_owner")
        HOST_CONFIG.unlink()
        HOST_CONFIG.symlink_to(HOST_CONFIG.name)  # which leads nowhere for ever
        self.left_out_silently(313, "plugin_host_config_missing")

    def test_305_the_scripts_configuration_is_broken(self):
        self.write(CONFIG, '{\n"preScriptLocation": "/a",\n', 0o600)
        self.left_out_silently(305, "script_config_malformed")
        self.assertIn("line 3", self.guest.log())

    def test_316_the_scripts_configuration_is_missing(self):
        self.plug_in()
        CONFIG.unlink()
        self.left_out_silently(316, "script_config_missing")


class KilledTest(ScriptsCase):
    def pid_of(self, word):
        found = [pid for pid, words in rig.processes().items()
                 if words and os.path.basename(words[0]) == "stillpoint" and word in words]
        self.assertTrue(found, rig.processes())
        return min(found)  # supervisors come later

    def start(self, wait_for):
        self.ask_for(1)
        self.assertEqual(0, self.guest.run("enable", 1).code)
        case.trial.wait_until(wait_for, "the moment to kill")

    def wait_for_post(self):
        case.trial.wait_until(lambda: "post" in self.traced(), "the post script")
        case.trial.wait_until(lambda: not rig.ours(), "all to end")
        self.assertEqual(["pre", "post"], self.traced())

    def test_a_worker_killed_during_the_hold_leaves_no_application_at_rest(self):
        self.break_things({"path": "dosnapshot", "delay_ms": 3000})
        beat = self.start_pulse()
        self.start(lambda: len(beat.held()) == len(self.mounts) and any("delays" in line for line in self.front.lines))
        self.assertEqual(["pre"], self.traced())
        os.kill(self.pid_of("worker"), signal.SIGKILL)
        self.wait_for_post()

    def test_a_worker_killed_during_the_pre_script(self):
        self.set_up(f"echo $$ >{self.folder}/pid; sleep 1000")
        self.start((self.folder / "pid").exists)
        os.kill(self.pid_of("worker"), signal.SIGKILL)
        self.wait_for_post()
        self.assertNotIn(int((self.folder / "pid").read_text(encoding="utf-8")), rig.processes())

    def test_a_killed_keeper_is_replaced_and_lowers_what_is_claimed(self):
        self.break_things({"path": "dosnapshot", "delay_ms": 1500})
        beat = self.start_pulse()
        self.start(lambda: len(beat.held()) == len(self.mounts))
        os.kill(self.pid_of("script-keeper"), signal.SIGKILL)
        status = self.guest.wait_for_end(1)
        self.check(status, 1, "success", 2, FILE_SYSTEM)
        self.assertIn("the process that kept the scripts died", status.message["messageStr"])
        self.wait_for_post()


if __name__ == "__main__":
    case.run_tests()
