# SPDX-License-Identifier: Apache-2.0
"""Scripts and workloads of a guest, as a recording says: `scripts` "ok", "prefail" (the pre script fails and that ends
the backup), "prefail_cont" (it goes on), "badperm" (scripts that others may run); `workload` a configuration's text.
"""
import json

GOOD = "#!/bin/sh\nexit 0\n"
BAD = "#!/bin/sh\nexit 3\n"


def install(special, azure):
    """Into `azure`, the guest's /etc/azure."""
    if special.get("workload"):
        (azure / "workload.conf").write_text(special["workload"], encoding="utf-8")
    kind = special.get("scripts")
    if not kind:
        return
    for name, text in (("pre.sh", BAD if kind.startswith("prefail") else GOOD), ("post.sh", GOOD)):
        (azure / name).write_text(text, encoding="utf-8")
        (azure / name).chmod(0o755 if kind == "badperm" else 0o700)
    config = {"pluginName": "ScriptRunner", "timeoutInSeconds": 30,
              "preScriptLocation": "/etc/azure/pre.sh", "postScriptLocation": "/etc/azure/post.sh",
              "preScriptParams": [], "postScriptParams": [], "preScriptNoOfRetries": 0, "postScriptNoOfRetries": 0,
              "continueBackupOnFailure": kind != "prefail", "fsFreezeEnabled": True}
    path = azure / "VMSnapshotScriptPluginConfig.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    path.chmod(0o600)
