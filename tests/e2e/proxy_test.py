#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups through a real proxy (tinyproxy), and without it where it is of no use."""
import contextlib
import json
import pathlib

import case
import authority
import request
import rig
import tinyproxy

DIRECT = "127.0.0.1"
HOSTS, WAAGENT, ENVIRONMENT = (pathlib.Path("/etc", name) for name in ("hosts", "waagent.conf", "environment"))
PASSWORD = f"{request.MARKER}-proxy.word"


def encoded(password):
    """As in a URL, with more encoded than must be: tinyproxy takes no password that needs it."""
    return "".join(f"%{ord(letter):02x}" for letter in password)


def login(password):
    return f"backup:{encoded(password)}@"


class ProxyTest(case.EndToEnd):
    def setUp(self):
        super().setUp()
        HOSTS.touch()  # a bare root has none
        if "store.test" not in HOSTS.read_text(encoding="utf-8"):
            with open(HOSTS, "a", encoding="utf-8") as out:
                out.write("127.0.0.1 store.test proxy.test\n")
        WAAGENT.unlink(missing_ok=True)
        ENVIRONMENT.write_text("", encoding="ascii")

    def start_store(self, *more, names="DNS:store.test", scheme="https", **named):
        self.trust, certificate, key = authority.make(self.folder, names)
        self.start_front("--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--cert", certificate, "--key", key,
                         *more, **named)
        self.ports = [int(address.rpartition(":")[2]) for address in self.front.ready["listening"]]
        self.store = f"store.test:{self.ports[scheme == 'https']}"
        self.base = f"{scheme}://{self.store}/devstoreaccount1"

    def start_proxy(self, **how):
        return self.enterContext(tinyproxy.Tinyproxy(self.folder, **how))

    def set_up(self, proxy=None, user="", network=(), trusted=True):
        if proxy is not None:
            network = (f"proxy = http://{user}proxy.test:{proxy.port}", *network)
        self.configure(ca_bundle=self.trust if trusted else None, network=network)

    def back_up(self, sequence=1, **variables):
        self.ask_for(sequence, request.public("onlyGuest", luns=()), self.blobs())
        status = self.guest.backup(sequence, **variables)
        case.trial.wait_until(lambda: not rig.ours(), "the worker to end")
        return status

    def check_success(self, status):
        self.assertEqual((1, 1), (status.code, status.consistency), status)

    def peers(self, what):
        """Addresses that requests for it came from."""
        return {line["peer"] for line in self.calls(what)}

    def check_everything_went(self, peer):
        for what in ("PUT /devstoreaccount1/disks/", "PUT /devstoreaccount1/status/", "PUT /devstoreaccount1/logs/"):
            # This test's own requests, which made empty blobs, were for an address.
            came = [line["peer"] for line in self.front.lines[self.before:] if line.get("request", "").startswith(what)
                    and ["Host", self.store] in line["headers"]]
            self.assertEqual({peer}, set(came), what)
        self.assertEqual({DIRECT}, self.peers("presnapshot"), "the host is never asked through a proxy")

    @contextlib.contextmanager
    def nothing_planted_is_logged(self):
        """The password stands in the settings of both sides and nowhere else; tearDown looks everywhere."""
        self.secrets["a password as in a URL"] = encoded(PASSWORD).encode()
        self.expected_secrets = (("tinyproxy.conf", "a planted marker"), ("stillpoint.conf", "a password as in a URL"))
        yield
        uploads = [line["body"] for line in self.calls("PUT /devstoreaccount1/logs")]
        self.assertTrue(uploads[-1])
        for written in (request.MARKER, encoded(PASSWORD)):
            self.assertNotIn(written, "".join(uploads))

    def test_snapshots_status_and_log_go_through_it_and_the_tunnels_stand_before_the_hold(self):
        self.start_store()
        self.break_things({"path": "", "comp": "snapshot", "delay_ms": 300})
        proxy, beat = self.start_proxy(), self.start_pulse()
        self.set_up(proxy)
        beat.reset()
        self.check_success(self.back_up())

        self.check_everything_went(tinyproxy.OUTGOING)
        self.assertEqual({self.store}, {where for _, where in proxy.connects()})
        taken = [line for line in self.calls("snapshot") if line["comp"] == "snapshot"]
        begun, ended = (pick(line[name] for line in taken) for pick, name in ((min, "at_ns"), (max, "copy_ended_ns")))
        moments = [moment for moment, _ in proxy.connects()]
        before = [moment for moment in moments if moment < begun]
        # In the middle: on a busy machine a writer that is stalled soon after is as good as held.
        self.assertGreater(ended - begun, 250_000_000)
        self.assertTrue(beat.all_stalled_at((begun + ended) // 2))
        self.assertGreaterEqual(len(before), 3 + 1, "one for each disk and some for the status")
        # Between the snapshots alone: a writer may find out late that the hold is over, when the next tunnel is made.
        self.assertEqual([], [moment for moment in moments if begun <= moment <= ended], "a tunnel inside the hold")
        self.assertIn(f"proxy 'proxy.test:{proxy.port}' of '/etc/stillpoint/stillpoint.conf'", self.guest.log())
        self.assertNotIn("going directly", self.guest.log())

    def test_plain_http_goes_through_a_tunnel_too(self):
        self.start_store(scheme="http")
        proxy = self.start_proxy()
        self.set_up(proxy)
        self.check_success(self.back_up())
        self.check_everything_went(tinyproxy.OUTGOING)
        self.assertEqual({self.store}, {where for _, where in proxy.connects()})

    def test_the_vm_agents_file_and_the_environment_name_it_too(self):
        self.start_store()
        proxy = self.start_proxy()
        self.set_up()
        url = f"http://proxy.test:{proxy.port}"
        places = ((WAAGENT, f"Logs.Verbose=n\nHttpProxy.Host=proxy.test\nHttpProxy.Port={proxy.port}\n", {}),
                  (ENVIRONMENT, f"PATH=/usr/bin\nhttps_proxy='{url}' # ours\n", {}),
                  (ENVIRONMENT, "https_proxy=http://proxy.test:9\n", {"HTTPS_PROXY": "", "https_proxy": url}))
        for sequence, (path, text, variables) in enumerate(places, 1):
            with self.subTest(path=path, variables=bool(variables)):
                path.write_text(text, encoding="ascii")
                self.before = len(self.front.lines)
                seen = len(proxy.connects())
                self.check_success(self.back_up(sequence, **variables))
                self.check_everything_went(tinyproxy.OUTGOING)
                self.assertGreater(len(proxy.connects()), seen)
                self.assertNotIn("going directly", self.guest.log())
                path.write_text("", encoding="ascii")

    def test_it_may_want_a_password(self):
        self.start_store()
        proxy = self.start_proxy(login=("backup", PASSWORD))
        self.set_up(proxy, login(PASSWORD))
        with self.nothing_planted_is_logged():
            self.check_success(self.back_up())
            self.check_everything_went(tinyproxy.OUTGOING)
            self.assertNotIn("going directly", self.guest.log())

    def test_a_wrong_password_is_told_and_the_direct_way_taken(self):
        self.start_store()
        proxy = self.start_proxy(login=("backup", PASSWORD))
        self.set_up(proxy, login(PASSWORD + "x"))
        with self.nothing_planted_is_logged():
            self.check_success(self.back_up())
            self.check_everything_went(DIRECT)
        self.check_one_warning("makes no tunnel", "it does not take the user name and password")

    def check_one_warning(self, *words):
        warnings = [line for line in self.guest.log().splitlines() if "going directly" in line]
        self.assertEqual(1, len(warnings), warnings)
        for word in words:
            self.assertIn(word, warnings[0])

    def test_a_dead_proxy_is_told_and_the_direct_way_taken(self):
        self.start_store()
        proxy = self.start_proxy()
        proxy.stop()
        self.set_up(proxy)
        self.check_success(self.back_up())
        self.check_everything_went(DIRECT)
        self.check_one_warning(f"cannot connect to proxy 'proxy.test:{proxy.port}'", "Connection refused")

    def test_exceptions_and_none_are_honoured(self):
        self.start_store()
        proxy = self.start_proxy()
        WAAGENT.write_text(f"HttpProxy.Host=proxy.test\nHttpProxy.Port={proxy.port}\n", encoding="ascii")
        cases = ((("no_proxy = other.test, .test",), {}), (("proxy = none",), {}), ((), {"no_proxy": "store.test"}))
        for sequence, (network, variables) in enumerate(cases, 1):
            with self.subTest(network=network):
                self.before = len(self.front.lines)
                self.set_up(network=network)
                self.check_success(self.back_up(sequence, **variables))
                self.check_everything_went(DIRECT)
        self.assertEqual([], proxy.connects())
        self.assertNotIn("going directly", self.guest.log())

    def test_an_error_tells_both_ways_that_were_tried(self):
        self.start_store()
        proxy = self.start_proxy(ports=(443,))
        self.set_up(proxy)
        self.base = "https://store.test:9/devstoreaccount1"
        status = self.back_up()
        self.assertEqual((76, "error"), (status.code, status.inner["status"]), status)
        for words in (f"proxy 'proxy.test:{proxy.port}'", "makes no tunnel to 'store.test:9': 403",
                      "cannot connect to 'store.test:9'", "Connection refused", "/devstoreaccount1/disks/0"):
            self.assertIn(words, status.message["messageStr"])
        self.assertNotIn("sig=", json.dumps(status.message))

    def check_refused(self, status, why):
        self.assertEqual((76, "error"), (status.code, status.inner["status"]), status)
        self.assertIn(why, status.message["messageStr"])
        self.assertEqual([], [line for line in self.front.lines[self.before:]
                              if "request" in line and line["peer"] != DIRECT or line.get("comp") == "snapshot"])

    def test_nobody_is_trusted_because_a_proxy_stands_between(self):
        self.start_store()
        proxy = self.start_proxy()
        self.set_up(proxy, trusted=False)
        self.check_refused(self.back_up(), "its certificate is not trusted")
        self.assertGreaterEqual(len(proxy.connects()), 3)

    def test_a_certificate_for_another_name_is_refused_through_it(self):
        self.start_store(names="DNS:other.test")
        proxy = self.start_proxy()
        self.set_up(proxy)
        self.check_refused(self.back_up(), "hostname mismatch")
        self.assertGreaterEqual(len(proxy.connects()), 3)


if __name__ == "__main__":
    case.TOOLS += ("tinyproxy",)
    case.run_tests()
