# SPDX-License-Identifier: Apache-2.0
"""What a guest shall be: extensions with their settings, and the XML documents in which its agent reads that.

The least of each document that the Linux VM agent takes; its own readers are the source:
https://github.com/Azure/WALinuxAgent, azurelinuxagent/common/protocol/goal_state.py and
extensions_goal_state_from_extensions_config.py.
"""
import dataclasses
import datetime
import json
from xml.sax.saxutils import escape, quoteattr

XML = '<?xml version="1.0" encoding="utf-8"?>'
CONTAINER = "c6d5526c-5ac2-4200-b6e2-56f2b70c5ab2"
INSTANCE = "b61f93d0-e1ed-40b2-b067-22c243233448._vm"


@dataclasses.dataclass(frozen=True)
class Extension:
    name: str                   # Publisher.Type
    version: str
    sequence: int = 0
    public: dict | None = None  # neither public nor protected: an extension without settings
    sealed: str | None = None   # protected settings, as Tenant.seal() gives them
    thumbprint: str | None = None
    state: str = "enabled"      # or "disabled", "uninstall"

    @property
    def settings(self):
        handler = {"publicSettings": self.public, "protectedSettings": self.sealed,
                   "protectedSettingsCertThumbprint": self.thumbprint if self.sealed else None}
        return {"runtimeSettings": [{"handlerSettings": handler}]}


@dataclasses.dataclass(frozen=True)
class GoalState:
    incarnation: int = 1
    extensions: tuple = ()
    machine: str = "b21a5e6e-1111-2222-3333-444455556666"
    made: datetime.datetime = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))

    def next(self, *extensions, **changes):
        return dataclasses.replace(self, incarnation=self.incarnation + 1, extensions=tuple(extensions),
                                   made=datetime.datetime.now(datetime.timezone.utc), **changes)


def ticks(moment):
    """100 ns since the year 1."""
    first = datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc)
    return int((moment - first).total_seconds() * 10_000_000)


def versions():
    return (f"{XML}<Versions><Preferred><Version>2015-04-05</Version></Preferred><Supported>"
            "<Version>2015-04-05</Version><Version>2012-11-30</Version></Supported></Versions>")


def goal_state(state, base):
    def config(kind):
        return escape(f"{base}/machine/{CONTAINER}/{INSTANCE}?comp=config&type={kind}&incarnation={state.incarnation}")
    certificates = escape(f"{base}/machine/{CONTAINER}/{INSTANCE}?comp=certificates&incarnation={state.incarnation}")
    return (f"{XML}<GoalState><Version>2012-11-30</Version><Incarnation>{state.incarnation}</Incarnation>"
            "<Machine><ExpectedState>Started</ExpectedState></Machine>"
            f"<Container><ContainerId>{CONTAINER}</ContainerId><RoleInstanceList><RoleInstance>"
            f"<InstanceId>{INSTANCE}</InstanceId><State>Started</State><Configuration>"
            f"<HostingEnvironmentConfig>{config('hostingEnvironmentConfig')}</HostingEnvironmentConfig>"
            f"<SharedConfig>{config('sharedConfig')}</SharedConfig>"
            f"<ExtensionsConfig>{config('extensionsConfig')}</ExtensionsConfig>"
            f"<Certificates>{certificates}</Certificates>"
            "<ConfigName>fabric.0.fabric.1._vm.1.xml</ConfigName>"
            "</Configuration></RoleInstance></RoleInstanceList></Container></GoalState>")


def hosting_environment(state):
    guid = "{" + state.machine + "}"
    return (f"{XML}<HostingEnvironmentConfig version=\"1.0.0.0\" goalStateIncarnation=\"{state.incarnation}\">"
            f"<Deployment name=\"deployment\" guid=\"{guid}\" incarnation=\"0\"/>"
            f"<Incarnation number=\"{state.incarnation}\" instance=\"vm\" guid=\"{guid}\"/>"
            f"<Role guid=\"{guid}\" name=\"vm\" settleTimeSeconds=\"0\"/></HostingEnvironmentConfig>")


def shared(state):
    return (f"{XML}<SharedConfig version=\"1.0.0.0\" goalStateIncarnation=\"{state.incarnation}\">"
            f"<Deployment name=\"deployment\"/><Incarnation number=\"{state.incarnation}\"/></SharedConfig>")


def certificates(sealed):
    return (f"{XML}<CertificateFile><Version>2012-11-30</Version><Incarnation>1</Incarnation>"
            f"<Format>Pkcs7BlobWithPfxContents</Format><Data>{sealed}</Data></CertificateFile>")


def extensions(state, location_of, status_blob):
    """`location_of(name)`: where the list of an extension's versions is to be had."""
    plugins, settings = [], []
    for one in state.extensions:
        where = quoteattr(location_of(one.name))
        named = f"name={quoteattr(one.name)} version={quoteattr(one.version)}"
        plugins.append(f"<Plugin {named} location={where} failoverlocation={where} state={quoteattr(one.state)} "
                       "autoUpgrade=\"false\" runAsStartupTask=\"false\" isJson=\"true\" useExactVersion=\"true\"/>")
        if one.public is not None or one.sealed is not None:
            settings.append(f"<Plugin {named}><RuntimeSettings seqNo=\"{one.sequence}\">"
                            f"{escape(json.dumps(one.settings))}</RuntimeSettings></Plugin>")
    return (f"<Extensions version=\"1.0.0.0\" goalStateIncarnation=\"{state.incarnation}\"><GuestAgentExtension>"
            "<GAFamilies><GAFamily><Name>Prod</Name><Uris>"
            f"<Uri>{escape(location_of('agent'))}</Uri></Uris></GAFamily></GAFamilies></GuestAgentExtension>"
            f"<Plugins>{''.join(plugins)}</Plugins><PluginSettings>{''.join(settings)}</PluginSettings>"
            f"<StatusUploadBlob statusBlobType=\"BlockBlob\">{escape(status_blob)}</StatusUploadBlob>"
            f"<InVMGoalStateMetaData inSvdSeqNo=\"{state.incarnation}\" createdOnTicks=\"{ticks(state.made)}\" "
            "activityId=\"00000000-0000-0000-0000-000000000001\" "
            "correlationId=\"00000000-0000-0000-0000-000000000002\"/></Extensions>")


def versions_of_extension(addresses):
    """{version: address of its zip}"""
    rows = "".join(f"<Plugin><Version>{version}</Version><Uris><Uri>{escape(address)}</Uri></Uris></Plugin>"
                   for version, address in addresses.items())
    return f"{XML}<PluginVersionManifest><Plugins>{rows}</Plugins><InternalPlugins/></PluginVersionManifest>"
