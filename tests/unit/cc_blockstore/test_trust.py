"""Why there was no answer: the kind of it, what to do, and nothing of the request."""

import socket
import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from cc_blockstore.trust import LONGEST_REASON, kind

SECRET = "Plant3dS3cret"


def untrusted(reason):
    """As requests raises it: wrapped twice."""
    error = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {SECRET}")
    error.verify_message = reason
    return requests.exceptions.SSLError(MaxRetryError(None, f"/v1/{SECRET}", error))


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("unable to get local issuer certificate", "ca_cert must be the certificate of the authority that signed it"),
        ("self-signed certificate", "ca_cert must be"),
        ("Hostname mismatch, certificate is not valid for 'x'.", "endpoint must be a name or an address"),
        ("IP address mismatch, certificate is not valid for '10.0.0.1'.", "endpoint must be a name or an address"),
        ("certificate has expired", "the service needs a new certificate"),
        ("certificate is not yet valid", "is this machine's clock right?"),
    ],
)
def test_of_a_certificate_it_says_what_to_do(reason, hint):
    said, advice = kind(untrusted(reason), "/etc/ca.pem")
    assert said == f"its certificate is not trusted: {reason}"
    assert advice.startswith(hint)


def test_of_a_name_that_does_not_resolve_it_says_so():
    """As urllib3 raises it: out of the resolver's own error."""
    try:
        try:
            raise socket.gaierror(-2, f"Name or service not known {SECRET}")
        except OSError:
            raise NewConnectionError(None, SECRET)  # noqa: B904 - as it does
    except NewConnectionError as error:
        wrapped = requests.exceptions.ConnectionError(MaxRetryError(None, f"/v1/{SECRET}", error))
    assert kind(wrapped, "") == ("its name does not resolve", "is the name in endpoint right, and does DNS answer?")


def test_a_reason_is_one_line_of_some_length():
    said, _ = kind(untrusted("x\n" + "y" * 5000), "")
    assert "\n" not in said
    assert len(said) < LONGEST_REASON + 50


@pytest.mark.parametrize("error", [OSError(f"invalid path: {SECRET}"), FileNotFoundError(2, SECRET), PermissionError(13, SECRET)])
def test_a_bundle_that_cannot_be_read(error):
    assert kind(error, "/etc/ca.pem")[0] == "ca_cert: no certificate can be read from /etc/ca.pem"
    assert SECRET not in "".join(kind(error, ""))


def test_anything_else_by_its_kind():
    assert kind(requests.ConnectionError(SECRET), "/x") == ("the connection was refused or broken", "is the metadata service up?")
    assert kind(requests.exceptions.InvalidHeader(SECRET), "")[0] == "InvalidHeader"
    assert kind(requests.exceptions.SSLError(SECRET), "")[0] == "no TLS connection came about"
