"""How the metadata service is reached: no service, a certificate as a path, a certificate as a text."""

from __future__ import annotations

from cc_blockstore.document.parse import Document
from cc_blockstore.reach import certificate_of, client_of
from tests.unit.fakes import FakeMachine

PEM = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"


def test_without_an_endpoint_nobody_is_asked(fake: FakeMachine):
    assert client_of(Document(), fake.machine) is None
    assert client_of(Document(endpoint="https://a"), fake.machine) is not None


def test_a_certificate_as_a_text_is_put_into_a_file(fake: FakeMachine):
    assert certificate_of(Document(ca_cert="/etc/ca.pem"), fake.machine) == "/etc/ca.pem"
    assert certificate_of(Document(ca_cert=PEM), fake.machine) == str(fake.root / "run/blockstore/ca.pem")
    assert fake.read("run/blockstore/ca.pem") == PEM
