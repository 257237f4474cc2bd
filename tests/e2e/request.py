# SPDX-License-Identifier: Apache-2.0
"""What the control plane sends: settings of one backup, sealed for the guest's certificate with the openssl command.

Every secret carries a marker, so that a test can look for it wherever something was written.
"""
import base64
import datetime
import json
import subprocess
import uuid

MARKER = "PLANTED"
TASK_TOKEN = f"{MARKER}-task-token"
SIGNATURE = f"{MARKER}signature%2Babc%3D"
VM_OF_TODAY, VM_CLASSIC = "microsoft.compute/virtualmachines", "microsoft.classiccompute/virtualmachines"
METADATA = [{"Key": "BackupId", "Value": "11112222-3333-4444-5555-666677778888"},
            {"Key": "DeploymentType", "Value": "IaaS"}]
DYNAMIC = [{"Key": "isSnapshotTtlEnabled", "Value": True}]


def encoded(document):
    return base64.b64encode(json.dumps(document).encode()).decode()


def ticks(moment=None):
    """100 ns since the year 1."""
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return str(int((moment - datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds() * 10_000_000))


def public(mode="onlyHost", luns=(0, 1, 2), task=None, fallback=False, vm_type=VM_OF_TODAY, **changes):
    """publicSettings; `changes` replace members, None removes one."""
    disks = {"dataDiskLunList": list(luns), "isOSDiskIncluded": False, "isAnyDiskExcluded": False,
             "isAnyWADiskIncluded": False, "isVmgsBlobIncluded": False, "isVmmdBlobIncluded": False,
             "isAnyDirectDriveDiskIncluded": False, "isVMADEEnabled": False}
    inner = {"backupMetadata": METADATA, "snapshotTaskToken": TASK_TOKEN, "dynamicConfigsFromCRP": DYNAMIC}
    if luns:
        inner["includedDisks"] = disks
    custom = {"takeSnapshotFrom": mode, "isManagedVm": True, "canTakeCrashConsistentSnapshot": fallback,
              "backupRetryCount": 1 if fallback else 0, "backupTaskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
              "waDiskLunList": [], "isOnlyOSDiskBackupEnabled": False}
    settings = {"commandToExecute": "snapshot", "taskId": task or str(uuid.uuid4()), "locale": "en-us",
                "commandStartTimeUTCTicks": ticks(), "vmType": vm_type, "objectStr": encoded(inner),
                "customSettings": json.dumps(custom), **changes}
    return {key: value for key, value in settings.items() if value is not None}


def protected(blobs=(), status=None, logs=None):
    """Clear protectedSettings. The arguments are URLs with their signatures."""
    settings = {"objectStr": encoded({"blobSASUri": list(blobs)}), "statusBlobUri": status, "logsBlobUri": logs,
                "note": f"{MARKER} in protected settings"}
    return {key: value for key, value in settings.items() if value is not None}


def planted_sas(base, blob):
    return f"{base}/{blob}?sv=2020-12-06&sr=b&sp=rw&se=2099-01-01T00%3A00%3A00Z&sig={SIGNATURE}"


def seal(settings, certificate, cipher="aes-256-cbc"):
    done = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", f"-{cipher}", str(certificate)],
                          input=json.dumps(settings).encode(), capture_output=True, check=True, timeout=30)
    return base64.b64encode(done.stdout).decode()


def settings_file(public_settings, sealed=None, thumbprint=None):
    handler = {"publicSettings": public_settings, "protectedSettings": sealed,
               "protectedSettingsCertThumbprint": thumbprint if sealed else None}
    return json.dumps({"runtimeSettings": [{"handlerSettings": handler}]})


# The bodies that the host must receive, byte for byte.

def presnapshot_body():
    return json.dumps({"taskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "snapshotTaskToken": TASK_TOKEN})


def dosnapshot_body(luns):
    flags = {"isSnapshotTtlEnabled": True, "useMccfToFetchDsasForAllDisks": False, "useMccfForLad": False,
             "EnableVMSnapshotExtensionPolling": False, "isVmmdBlobIncluded": False}
    return json.dumps({"taskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "diskIds": list(luns),
                       "settings": [{"Key": key, "Value": value} for key, value in flags.items()],
                       "snapshotTaskToken": TASK_TOKEN, "snapshotMetadata": METADATA})
