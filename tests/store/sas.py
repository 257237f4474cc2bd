#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shared access signatures for the published development account, and snapshots read back from the store.

    sas.py blob CONTAINER/BLOB [--permissions rw] [--expires SECONDS] [--base URL]    prints the URL with its SAS
    sas.py account [--permissions rwdlacup] [--expires SECONDS]                       prints the query string
    sas.py create PORT CONTAINER/BLOB [--size BYTES]      an empty page blob; without --size an empty block blob
    sas.py read PORT CONTAINER/BLOB FILE [--snapshot TIME]                            a page blob as a sparse file

The string that is signed is laid out as the "Create a service SAS" and "Create an account SAS" pages of the Azure
Storage REST reference say, for version 2020-12-06. The account and its key are the emulator's, which every user of
the emulator has: they protect nothing.
"""
import argparse
import base64
import hashlib
import hmac
import sys
import time
import urllib.parse

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2020-12-06"


def sign(lines):
    mac = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def moment(seconds_from_now):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


def blob_sas(blob, permissions="rw", expires_s=3600, protocol="", resource="b"):
    """For one blob, or with resource "c" for the container of it."""
    signed = blob if resource == "b" else blob.split("/", 1)[0]
    expiry = moment(expires_s)
    signature = sign([permissions, "", expiry, f"/blob/{ACCOUNT}/{signed}", "", "", protocol, VERSION, resource, "", "",
                      "", "", "", "", ""])
    query = {"sv": VERSION, "sr": resource, "sp": permissions, "se": expiry}
    if protocol:
        query["spr"] = protocol
    return urllib.parse.urlencode({**query, "sig": signature})


def account_sas(permissions="rwdlacup", expires_s=3600):
    expiry = moment(expires_s)
    signature = sign([ACCOUNT, permissions, "b", "sco", "", expiry, "", "", VERSION, "", ""])
    return urllib.parse.urlencode({"sv": VERSION, "ss": "b", "srt": "sco", "sp": permissions, "se": expiry,
                                   "sig": signature})


def main():
    import blob_client  # which needs this module for its own signature

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    blob = actions.add_parser("blob")
    blob.add_argument("blob")
    blob.add_argument("--permissions", default="rw")
    blob.add_argument("--expires", type=int, default=3600, metavar="SECONDS")
    blob.add_argument("--base", default="", help=f"for example http://127.0.0.1:PORT/{ACCOUNT}")
    account = actions.add_parser("account")
    account.add_argument("--permissions", default="rwdlacup")
    account.add_argument("--expires", type=int, default=3600, metavar="SECONDS")
    create = actions.add_parser("create")
    read = actions.add_parser("read")
    for action in (create, read):
        action.add_argument("port", type=int)
        action.add_argument("blob")
    create.add_argument("--size", type=int)
    read.add_argument("file")
    read.add_argument("--snapshot")
    given = parser.parse_args()
    if given.action == "blob":
        base = given.base.rstrip("/")
        print((f"{base}/{given.blob}?" if base else "") + blob_sas(given.blob, given.permissions, given.expires))
    elif given.action == "account":
        print(account_sas(given.permissions, given.expires))
    elif given.action == "read":
        blob_client.BlobClient(given.port).read_to_file(given.blob, given.file, given.snapshot)
    else:
        client = blob_client.BlobClient(given.port)
        client.create_container(given.blob.split("/", 1)[0])
        if given.size is None:
            client.create_block_blob(given.blob)
        else:
            client.create_page_blob(given.blob, given.size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
