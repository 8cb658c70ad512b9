"""TLS on both listeners, with certificates made here: the guest and our own command check whom they talk to."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import requests
import trustme

from blockstore.errors import ServiceUnreachable
from blockstore.waiting import Deadline
from cc_blockstore.client import MetadataClient
from testbed.server import LocalServer


class Signed:
    """An authority, and the files of a server that it has signed."""

    def __init__(self, folder: Path, *names: str) -> None:
        folder.mkdir()
        self.authority = trustme.CA()
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.renew(*names)

    def renew(self, *names: str) -> None:
        issued = self.authority.issue_cert(*names)
        self.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(self.key))
        self.key.chmod(0o600)

    def table(self, section: str) -> str:
        return f'[{section}.tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return Signed(tmp_path / "right", "127.0.0.1")


def serving(tmp_path: Path, *tables: str) -> LocalServer:
    file = tmp_path / "server.toml"
    file.write_text("".join(tables))
    return LocalServer(tmp_path / "state", advertised_host="127.0.0.1", options=("--config", str(file)))


def test_both_listeners_speak_it_and_everybody_checks(tmp_path: Path, signed: Signed) -> None:
    with serving(tmp_path, signed.table("instance"), signed.table("operator")) as server:
        token = server.cli("instance", "create", "web")["token"]
        assert server.instance_url.startswith("https://")
        assert server.addresses.endpoint.startswith("https://127.0.0.1:")
        from blockstore.secret import Secret

        def ask(ca: Path | str) -> bytes:
            client = MetadataClient(server.addresses.endpoint, Secret(token), ca_cert=str(ca))
            return client.document("meta-data", Deadline.after(10))

        assert b'local-hostname: "web"' in ask(signed.ca)
        other = Signed(tmp_path / "other", "127.0.0.1")
        for wrong in (other.ca, ""):
            with pytest.raises(ServiceUnreachable, match=r"its certificate is not trusted: .*ca_cert must be the certificate"):
                ask(wrong)
        with pytest.raises(ServiceUnreachable, match=r"no certificate can be read from /nowhere/ca.pem"):
            ask("/nowhere/ca.pem")
        (tmp_path / "empty.pem").write_text("")
        with pytest.raises(ServiceUnreachable, match=r"no certificate can be read from .*empty.pem"):
            ask(tmp_path / "empty.pem")
        # Nobody's plain HTTP gets an answer.
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{server.addresses.instance}/healthz", timeout=10)


def test_a_certificate_for_another_name_is_refused_and_said(tmp_path: Path) -> None:
    signed = Signed(tmp_path / "elsewhere", "metadata.example")
    with serving(tmp_path, signed.table("instance")) as server:
        client = MetadataClient(server.addresses.endpoint, None, ca_cert=str(signed.ca))
        with pytest.raises(
            ServiceUnreachable, match=r"mismatch.*endpoint must be a name or an address that the certificate names"
        ):
            client.document("meta-data", Deadline.after(10))


def test_our_command_knows_the_server_by_its_fingerprint_alone(tmp_path: Path) -> None:
    signed = Signed(tmp_path / "operator", "block.example")
    with serving(tmp_path, signed.table("operator")) as server:
        assert server.cli("instance", "list") == []
        # Another server at its place, with a certificate of the same authority even, gets no token from us.
        text = (server.state / "server.json").read_text()
        (server.state / "server.json").write_text(text.replace(server.addresses.operator_certificate, "0" * 64))
        with pytest.raises(Exception, match="SSLError"):
            server.cli("instance", "list")


def test_a_renewed_certificate_is_taken_up_without_a_pause(tmp_path: Path, signed: Signed) -> None:
    import os
    import signal

    with serving(tmp_path, signed.table("instance"), signed.table("operator")) as server:
        host, _, port = server.addresses.instance.partition(":")
        before, pinned = ssl.get_server_certificate((host, int(port))), server.addresses.operator_certificate
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(signed.ca)
            assert session.get(f"{server.instance_url}/healthz", timeout=10).status_code == 200
            signed.renew("127.0.0.1")
            os.kill(server.pid, signal.SIGHUP)
            deadline = Deadline.after(10)
            while server.addresses.operator_certificate == pinned and not deadline.passed():
                pass
            assert ssl.get_server_certificate((host, int(port))) != before
            assert session.get(f"{server.instance_url}/healthz", timeout=10).status_code == 200
        assert server.cli("instance", "list") == []
        # A pair that does not fit changes nothing.
        signed.key.write_text("")
        after = ssl.get_server_certificate((host, int(port)))
        os.kill(server.pid, signal.SIGHUP)
        deadline = Deadline.after(10)
        while "the old certificate goes on" not in server.log.read_text() and not deadline.passed():
            pass
        assert "the old certificate goes on" in server.log.read_text()
        assert ssl.get_server_certificate((host, int(port))) == after


def test_old_versions_are_not_spoken(tmp_path: Path, signed: Signed) -> None:
    import socket
    import warnings

    with serving(tmp_path, signed.table("instance")) as server:
        host, _, port = server.addresses.instance.partition(":")
        context = ssl.create_default_context(cafile=str(signed.ca))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection((host, int(port)), 10) as raw, pytest.raises(ssl.SSLError):
            context.wrap_socket(raw, server_hostname=host)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda s: (s.key.unlink(), s.certificate.unlink()),
            ["tls.certificate: cannot read {cert}", "tls.key: cannot read {key}"],
        ),
        (lambda s: s.key.chmod(0o640), ["operator.tls.key: {key} has the mode 0640 and must be 0600"]),
        (lambda s: s.key.write_text("no"), ["the certificate {cert} and the key {key} do not serve"]),
        (lambda s: s.ca.replace(s.certificate), ["the certificate {cert} and the key {key} do not serve: KEY_VALUES_MISMATCH"]),
    ],
)
def test_files_that_do_not_serve_are_named(tmp_path: Path, signed: Signed, spoil, said) -> None:
    spoil(signed)
    with pytest.raises(RuntimeError) as raised, serving(tmp_path, signed.table("operator")):
        pass
    for each in said:
        assert each.format(cert=signed.certificate, key=signed.key) in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert "BEGIN" not in str(raised.value)
