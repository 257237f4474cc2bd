# SPDX-License-Identifier: Apache-2.0
"""What a cloud is to the VM agent of one guest: the wire server, the host's plugin, the metadata service, and the
place where extensions are published. For tests with the real agent.

    fabric = Fabric(tenant, "http://168.63.129.16", other=front.handle)
    fabric.publish_version(name, "1.0.0.0", zip_bytes)
    fabric.want(Extension(name, "1.0.0.0", 1, public=..., sealed=tenant.seal(...), thumbprint=tenant.thumbprint))
    report = fabric.wait_for(lambda report: report.handler(name) and ..., 30)

All state is in one object: the goal state, the published zips, and what the agent reported. Requests come in through
`wire_server` and `host_plugin`, each with handle(request, hang) as store/front.py has it, whose Server carries them;
what the wire server's address does not know goes to `other` (the host's snapshot service has the same address).
Source of paths, headers and answers: https://github.com/Azure/WALinuxAgent, azurelinuxagent/common/protocol/.
"""
import base64
import json
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "store"))
import goal_state  # noqa: E402
import wire  # noqa: E402

XML_TYPE = {"Content-Type": "text/xml; charset=utf-8"}
JSON_TYPE = {"Content-Type": "application/json; charset=utf-8"}
IMAGES = "/images/"
MACHINE_ID = "02aab8a4-74ef-476e-8182-f6d2ba4166a6"


class Report:
    """One status document of the agent, as it arrived."""

    def __init__(self, document, at_ns):
        self.document, self.at_ns = document, at_ns
        self.aggregate = document["aggregateStatus"]
        goal = self.aggregate.get("vmArtifactsAggregateStatus", {}).get("goalStateAggregateStatus", {})
        self.incarnation = int(goal.get("inSvdSeqNo", 0))

    def handler(self, name):
        """What is said of a handler, or None if nothing is."""
        found = [one for one in self.aggregate["handlerAggregateStatus"] if one["handlerName"] == name]
        return Handler(found[0]) if found else None


class Handler:
    def __init__(self, document):
        self.document = document
        self.version, self.state, self.code = document["handlerVersion"], document["status"], document["code"]
        self.message = document.get("formattedMessage", {}).get("message", "")
        settings = document.get("runtimeSettingsStatus") or {}
        self.sequence = int(settings["sequenceNumber"]) if settings else None
        self.status = settings["settingsStatus"]["status"] if settings else None


class Fabric:
    def __init__(self, tenant, base, other=None):
        self.tenant = tenant
        self.goal_state = goal_state.GoalState()
        self.reports = []    # Report, oldest first
        self.telemetry = []  # bodies, as text
        self.health = []     # bodies of "I am ready"
        self.served = {}     # incarnation: when it was first read, CLOCK_REALTIME in ns
        self.requests = []
        self._images = {}    # name: {version: zip}
        self._base = base
        self._changed = threading.Condition()
        self.wire_server = Endpoint(self, self._answer_wire_server, other)
        self.host_plugin = Endpoint(self, self._answer_host_plugin)

    # What the owner of the guest does

    def publish_version(self, name, version, content):
        self._images.setdefault(name, {})[version] = content

    def want(self, *extensions, **changes):
        """A new goal state: exactly these extensions. Its incarnation."""
        self.goal_state = self.goal_state.next(*extensions, **changes)
        return self.goal_state.incarnation

    def wait_for(self, fits, what, limit_s, after=0):
        """The first report of the present incarnation that `fits`, come or still to come; `after`: not one of the
        first so many."""
        incarnation, limit = self.goal_state.incarnation, time.monotonic() + limit_s
        seen = after
        with self._changed:
            while True:
                for report in self.reports[seen:]:
                    if report.incarnation == incarnation and fits(report):
                        return report
                seen = len(self.reports)
                if not self._changed.wait(limit - time.monotonic()) and time.monotonic() >= limit:
                    last = self.reports[-1].document if self.reports else None
                    raise RuntimeError(f"not reported within {limit_s} s: {what}; the last report: {last}")

    # What the agent asks for

    def _answer_wire_server(self, request):
        comp, state = request.query.get("comp"), self.goal_state
        if request.path == "/" and comp == "versions":
            return xml(goal_state.versions())
        if request.path.rstrip("/") == "/machine" and comp == "goalstate":
            self.served.setdefault(state.incarnation, time.time_ns())
            return xml(goal_state.goal_state(state, self._base))
        if request.path.startswith("/machine/") and comp == "config":
            return self._configuration(request.query.get("type"), state)
        if request.path.startswith("/machine/") and comp == "certificates":
            return self._certificates(request)
        if request.path.rstrip("/") == "/machine" and request.method == "POST":
            return self._take(comp, request.body.decode("utf-8"))
        if request.path == "/HealthService":
            return wire.reply(200)
        if request.path.startswith("/metadata/instance"):
            return json_reply(instance_metadata(compute_only=request.path.endswith("/compute")))
        if request.path.startswith(IMAGES):
            return self._image(request.path.removeprefix(IMAGES))
        return None

    def _configuration(self, kind, state):
        documents = {"hostingEnvironmentConfig": lambda: goal_state.hosting_environment(state),
                     "sharedConfig": lambda: goal_state.shared(state),
                     "extensionsConfig": lambda: goal_state.extensions(state, self._location, self._status_blob())}
        return xml(documents[kind]()) if kind in documents else wire.reply(404)

    def _certificates(self, request):
        receiver, cipher = (request.header(f"x-ms-{name}") for name in ("guest-agent-public-x509-cert", "cipher-name"))
        if receiver is None:
            return wire.reply(400)
        return xml(goal_state.certificates(self.tenant.for_guest(receiver, cipher or "DES_EDE3_CBC")))

    def _take(self, comp, body):
        if comp == "telemetrydata":
            self.telemetry.append(body)
            return wire.reply(200)
        if comp == "health":
            self.health.append(body)
            return wire.reply(200)
        return wire.reply(202 if comp == "roleProperties" else 404)

    def _image(self, path):
        name, _, file = path.partition("/")
        versions = self._images.get(name, {})
        if file == "manifest.xml":
            return xml(goal_state.versions_of_extension(
                {version: f"{self._base}{IMAGES}{name}/{version}.zip" for version in versions}))
        content = versions.get(file.removesuffix(".zip"))
        return wire.reply(404) if content is None else wire.reply(200, content, {"Content-Type": "application/zip"})

    def _location(self, name):
        return f"{self._base}{IMAGES}{urllib.parse.quote(name)}/manifest.xml"

    def _status_blob(self):
        return f"{self._base}/status/vm.status?sv=2020-12-06&sig=fabric"

    def _answer_host_plugin(self, request):
        if request.path == "/versions":
            return json_reply(["2015-09-01"])
        if request.path == "/status" and request.method == "PUT":
            return self._report(json.loads(request.body))
        if request.path in ("/health", "/vmAgentLog"):
            return wire.reply(200)
        return wire.reply(404)  # vmSettings too: the goal state comes from the wire server

    def _report(self, envelope):
        document = json.loads(base64.b64decode(envelope["content"]))
        with self._changed:
            self.reports.append(Report(document, time.time_ns()))
            self._changed.notify_all()
        return wire.reply(200)


class Endpoint:
    """One listening address, in the form that store/front.py's Server serves."""

    def __init__(self, fabric, answer, other=None):
        self._fabric, self._answer, self._other = fabric, answer, other

    def handle(self, request, hang, _peer=None):
        answer = self._answer(request)
        if answer is None and self._other is not None:
            return self._other(request, hang)
        answer = wire.reply(404) if answer is None else answer
        self.say({"request": f"{request.method} {request.path}", "comp": request.query.get("comp"),
                  "status": answer.status})
        return answer

    def say(self, note):
        self._fabric.requests.append(note)


def xml(text):
    return wire.reply(200, text, XML_TYPE)


def json_reply(document):
    return wire.reply(200, json.dumps(document), JSON_TYPE)


def instance_metadata(compute_only):
    compute = {"location": "fabric", "name": "vm", "offer": "debian-12", "osType": "Linux", "placementGroupId": "",
               "platformFaultDomain": "0", "platformUpdateDomain": "0", "publisher": "debian",
               "resourceGroupName": "group", "sku": "12", "subscriptionId": "00000000-0000-0000-0000-000000000003",
               "tags": "", "version": "1", "vmId": MACHINE_ID, "vmSize": "test", "vmScaleSetName": "", "zone": ""}
    return compute if compute_only else {"compute": compute}
