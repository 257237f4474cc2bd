# SPDX-License-Identifier: Apache-2.0
"""A server's certificate that only its own authority vouches for."""
import subprocess


def make(folder, names="IP:127.0.0.1"):
    """(authority, certificate, key), PEM files in `folder`; `names` as OpenSSL writes them: DNS:store.test."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)
    authority, key = folder / "ca.pem", folder / "ca.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=test authority", "-keyout", key,
            "-out", authority)
    own, own_key, asked, listed = folder / "own.pem", folder / "own.key", folder / "own.csr", folder / "own.ext"
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=store", "-keyout", own_key, "-out", asked)
    listed.write_text(f"subjectAltName={names}\n", encoding="ascii")
    openssl("x509", "-req", "-in", asked, "-CA", authority, "-CAkey", key, "-CAcreateserial", "-days", 2, "-extfile",
            listed, "-out", own)
    return authority, own, own_key
