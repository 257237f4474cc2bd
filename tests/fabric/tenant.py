# SPDX-License-Identifier: Apache-2.0
"""The certificate for which the control plane seals protected settings, and its way into the guest.

The guest's agent sends a certificate of its own along and gets the tenant's key pair, as PFX with an empty password,
sealed for that one (https://github.com/Azure/WALinuxAgent, azurelinuxagent/common/protocol/goal_state.py). With the
openssl command only; keys are in `folder`, which belongs on a tmpfs.
"""
import base64
import json
import pathlib
import subprocess

CIPHERS = {"DES_EDE3_CBC": "-des3", "AES128_CBC": "-aes-128-cbc", "AES256_CBC": "-aes-256-cbc"}


def openssl(*words, given=b""):
    return subprocess.run(["openssl", *map(str, words)], input=given, capture_output=True, check=True,
                          timeout=60).stdout


class Tenant:
    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.rotate()

    def rotate(self):
        """A new key pair: what is sealed from now on is for that one."""
        self.key, self.certificate = self._folder / "tenant.key", self._folder / "tenant.crt"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", "/CN=TenantEncryptionCert",
                "-keyout", self.key, "-out", self.certificate)
        shown = openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha1").decode("ascii")
        self.thumbprint = shown.strip().partition("=")[2].replace(":", "")

    def seal(self, settings, cipher="AES256_CBC"):
        """Protected settings as they stand in a settings file: base64 of CMS."""
        sealed = openssl("cms", "-encrypt", "-binary", "-outform", "DER", CIPHERS[cipher], self.certificate,
                         given=json.dumps(settings).encode())
        return base64.b64encode(sealed).decode("ascii")

    def for_guest(self, transport_certificate, cipher):
        """The key pair, sealed for the certificate (base64 of DER) that the guest's agent sent: base64 of CMS, in
        lines, since the agent hands it to openssl as it is."""
        receiver = self._folder / "transport.crt"
        receiver.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(
            base64.b64decode(transport_certificate)) + b"-----END CERTIFICATE-----\n")
        pfx = openssl("pkcs12", "-export", "-inkey", self.key, "-in", self.certificate, "-name",
                      "TenantEncryptionCert", "-passout", "pass:")
        return base64.encodebytes(openssl("cms", "-encrypt", "-binary", "-outform", "DER", CIPHERS[cipher], receiver,
                                          given=pfx)).decode("ascii")
