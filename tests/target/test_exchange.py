"""What an instance without volumes says to the real server, on a bare socket: the list and the report, also in TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from cc_blockstore import exchange
from testbed.server import LocalServer
from tests.target.test_tls import Signed, serving

REPORT = {
    "version": 1,
    "instance_id": "x",
    "initiator_name": "iqn.2018-12.x:y",
    "started": "2026-01-01T00:00:00.000+00:00",
    "duration_ms": 1,
    "volumes": [],
}


def test_list_and_report_over_one_line(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "state") as server:
        instance = server.cli("instance", "create", "web")
        with exchange.Line(server.addresses.endpoint.replace("10.0.2.2", "127.0.0.1"), instance["token"], "") as line:
            assert line.attachments() == []
            line.report({**REPORT, "instance_id": instance["id"]})
        with pytest.raises(ValueError, match="another status"):
            exchange.attachments(server.addresses.endpoint.replace("10.0.2.2", "127.0.0.1"), "another", "")


def test_in_tls_the_service_must_be_who_it_says(tmp_path: Path) -> None:
    signed, wrong = Signed(tmp_path / "right", "127.0.0.1"), Signed(tmp_path / "wrong", "127.0.0.1")
    with serving(tmp_path, signed.table("instance")) as server:
        instance = server.cli("instance", "create", "web")
        with exchange.Line(server.addresses.endpoint, instance["token"], str(signed.ca)) as line:
            assert line.attachments() == []
            line.report({**REPORT, "instance_id": instance["id"]})
        for ca_cert in (str(wrong.ca), ""):
            with pytest.raises(ssl.SSLCertVerificationError):
                exchange.attachments(server.addresses.endpoint, instance["token"], ca_cert)
