"""Why a service gave no answer, in words that quote nothing of the request; and of a certificate what to do about it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from blockstore.report import line
from cc_blockstore.exchange import SILENT

KINDS = {
    "ConnectTimeout": "connecting timed out",
    "ReadTimeout": SILENT,
    "SSLError": "no TLS connection came about",
    "ConnectionError": "the connection was refused or broken",
}
UNNAMED = "its name does not resolve", "is the name in endpoint right, and does DNS answer?"
UP = "is the metadata service up?"
# By a word of what OpenSSL says (X509_verify_cert_error_string(3)); the first one that fits.
HINTS = (
    ("mismatch", "endpoint must be a name or an address that the certificate names"),
    ("expired", "the service needs a new certificate"),
    ("not yet valid", "is this machine's clock right?"),
    ("", "ca_cert must be the certificate of the authority that signed it, as a path or as PEM"),
)
LONGEST_REASON = 200


def kind(error: BaseException, ca_cert: str) -> tuple[str, str]:
    """What kind of failure, and what to do."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = line(cause.verify_message[:LONGEST_REASON])
            return f"its certificate is not trusted: {reason}", next(hint for word, hint in HINTS if word in reason)
        if isinstance(cause, socket.gaierror):
            return UNNAMED
    name = type(error).__name__
    # `requests` and OpenSSL have no error of their own for a bundle that is missing, unreadable or no certificate.
    if ca_cert and (type(error) is OSError or isinstance(error, (FileNotFoundError, PermissionError)) or _unusable(error)):
        return f"ca_cert: no certificate can be read from {ca_cert}", "ca_cert is a path, or certificates as PEM"
    return KINDS.get(name, name), UP


def _unusable(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLError) and cause.library == "X509" for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is wrapped in it: urllib3 and requests put one into the other's arguments."""
    seen: set[int] = set()
    left: list[BaseException] = [error]
    while left:
        cause = left.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            inner = (getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args)
            left += [each for each in inner if isinstance(each, BaseException)]
