"""What the configuration says of listeners: the defaults, and every fault with its path."""

import ipaddress
from pathlib import Path

import pytest

from blockstore.errors import DocumentInvalid
from metadata_server.configuration import parse
from metadata_server.listening.settings import Limits, LogSettings, Proxy, SessionTokens, Tls

PAIR = {"certificate": "/c", "key": "/k"}


def test_nothing_said_is_plain_on_loopback_with_limits():
    found = parse({}).http
    assert (found.instance_tls, found.operator_tls, found.proxies) == (None, None, ())
    assert (found.limits, found.session_tokens, found.log) == (Limits(), SessionTokens(True, 1), LogSettings("text"))


def test_what_is_said_is_taken():
    proxies = [{"addresses": ["10.0.0.1", "2001:db8::/64"], "secret_file": "/s"}, {"addresses": ["10.0.0.2"]}]
    words = {"tls": PAIR, "proxies": proxies, "session_tokens": {"enabled": False, "hops": 64}}
    found = parse({"instance": words, "limits": {"connections": 9}, "log": {"form": "json"}}).http
    assert found.instance_tls == Tls(Path("/c"), Path("/k"))
    first, second = found.proxies
    assert first == Proxy((ipaddress.ip_network("10.0.0.1"), ipaddress.ip_network("2001:db8::/64")), Path("/s"))
    assert second.secret_file is None
    assert (found.session_tokens, found.limits.connections, found.log.form) == (SessionTokens(False, 64), 9, "json")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"operator": {"listen": "10.0.0.1:1"}}, "operator: on 10.0.0.1 the operators' token"),
        ({"instance": {"tls": PAIR, "endpoint": "http://a:1"}}, "instance.endpoint: must begin with https"),
        ({"instance": {"tls": {"certificate": "/c"}}}, "instance.tls.key: is missing"),
        ({"operator": {"tls": {**PAIR, "ca": "/x"}}}, "operator.tls.ca: unknown key"),
        ({"operator": {"tls": "/c"}}, "operator.tls: must be a mapping"),
        ({"instance": {"proxies": [{"addresses": ["10.0.0.1/8"]}]}}, r"instance.proxies\[0\].addresses\[0\]: '10.0.0.1/8' is no"),
        ({"instance": {"proxies": [{}]}}, r"instance.proxies\[0\].addresses: is missing"),
        ({"instance": {"session_tokens": {"hops": 65}}}, "instance.session_tokens.hops: must be from 1 to 64"),
        ({"instance": {"session_tokens": {"hops": 0}}}, "instance.session_tokens.hops: must be from 1 to 64"),
        ({"instance": {"session_tokens": {"enabled": "no"}}}, "instance.session_tokens.enabled: must be true or false"),
        ({"limits": {"head_second": 1}}, "limits.head_second: unknown key; did you mean 'head_seconds'"),
        ({"limits": {"head_seconds": 0}}, "limits.head_seconds: must be from 1"),
        ({"log": {"form": "xml"}}, "log.form: must be one of text, json"),
    ],
)
def test_a_fault_has_its_path(document, said):
    with pytest.raises(DocumentInvalid, match=said):
        parse(document)


@pytest.mark.parametrize("words", [{"plain_http": True}, {"tls": PAIR}])
def test_operators_elsewhere_need_tls_or_somebody_who_says_otherwise(words):
    assert parse({"operator": {"listen": "10.0.0.1:1", **words}}).operator.host == "10.0.0.1"
