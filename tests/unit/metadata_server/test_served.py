"""Plain HTTP for instances is said to be so at the start, but where no network is in between."""

from __future__ import annotations

import pytest

from metadata_server import served
from metadata_server.configuration import parse


@pytest.mark.parametrize(
    ("instance", "warned"),
    [
        ({}, False),
        ({"listen": "[::1]:8775"}, False),
        ({"listen": "169.254.169.254:8775"}, False),
        ({"listen": "[fe80::a9fe:a9fe]:8775"}, False),
        ({"listen": "10.9.0.1:8775"}, True),
        ({"listen": "[2001:db8::1]:8775"}, True),
        ({"listen": "0.0.0.0:8775", "endpoint": "http://10.9.0.1:8775"}, True),
        ({"listen": "10.9.0.1:8775", "endpoint": "https://metadata.example.org"}, False),
        ({"listen": "10.9.0.1:8775", "tls": {"certificate": "/c.pem", "key": "/k.pem"}}, False),
    ],
)
def test_plain_http_beyond_this_machine_is_warned_of(instance: dict[str, object], warned: bool) -> None:
    found = served.plain(parse({"instance": instance}))
    assert (found is not None) is warned
    if found:
        assert "instance.tls.certificate and instance.tls.key" in found
