"""A listener's certificate: loaded, checked, and named by its fingerprint."""

from __future__ import annotations

import hashlib
import ssl
import stat
from pathlib import Path

from blockstore.errors import BlockstoreError
from blockstore.reader import Faults
from metadata_server.domain.errors import Unavailable
from metadata_server.listening.settings import Tls


def check(tls: Tls, path: str, faults: Faults) -> None:
    """Note what is wrong with either file, or else with both together."""
    before = len(faults)
    for word, fault in (("certificate", unreadable(tls.certificate)), ("key", unreadable(tls.key) or open_to_others(tls.key))):
        if fault:
            faults.add(f"{path}.{word}", fault)
    if len(faults) == before:
        try:
            context(tls)
        except BlockstoreError as error:
            faults.add(path, str(error))


def unreadable(file: Path) -> str | None:
    """Why this file cannot be read, or None."""
    try:
        mode = file.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # endless, some of them; and nobody shall be told to chmod /dev/null
            return f"{file} is no plain file"
        if not stat.S_ISFIFO(mode):  # which gives what it has once
            file.read_bytes()
    except OSError as error:
        return f"cannot read {file}: {error.strerror}"
    return None


def open_to_others(file: Path) -> str | None:
    """Why this is no place for a secret, or None."""
    mode = file.stat().st_mode & 0o777
    return f"{file} has the mode {mode:04o} and must be 0600 (chmod 600 {file})" if mode & 0o077 else None


def secret_fault(file: Path) -> str | None:
    """What is wrong with a file that holds a secret, or None."""
    if problem := unreadable(file) or open_to_others(file):
        return problem
    return None if file.is_fifo() or file.read_bytes().strip() else f"{file} is empty"


def authorities_fault(file: Path) -> str | None:
    """What is wrong with a file of certificates that others' are checked against, or None."""
    try:
        ssl.create_default_context(cafile=str(file))
    except OSError as error:  # ssl.SSLError is one
        return f"no certificate can be read from {file}: {getattr(error, 'reason', None) or error.strerror}"
    return None


def context(tls: Tls) -> ssl.SSLContext:
    """For a server: TLS 1.2 and later. Raises `Unavailable` that names both files."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    load(made, tls)
    return made


def load(into: ssl.SSLContext, tls: Tls) -> None:
    """(Re)load both files; connections that are open keep what they have."""
    try:
        into.load_cert_chain(tls.certificate, tls.key, password=_none)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or error
        raise Unavailable(f"the certificate {tls.certificate} and the key {tls.key} do not serve: {reason}") from None


def _none() -> str:
    raise ValueError("the key has a passphrase, and nobody is here to give it")


def fingerprint(tls: Tls) -> str:
    """SHA-256 of the certificate (DER), in hexadecimal: by it our own command knows the server."""
    pem = tls.certificate.read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = pem[pem.index(begin) : pem.index(end) + len(end)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
