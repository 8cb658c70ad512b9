"""``engine = "cinder"``: the examples of docs/cinder.md are right, every fault is named, secrets are files of one's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blockstore.errors import DocumentInvalid
from metadata_server.configuration import load, parse
from metadata_server.engines.cinder.settings import KEYS, NEEDED

PAGE = (Path(__file__).parents[3] / "docs/cinder.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NOAUTH = {"auth": "noauth", "endpoint": "http://127.0.0.1:8776/v3", "project": "abc"}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "cinder.secret"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_documents_examples_are_right(text: str, tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text.replace("/etc/blockstore-server/cinder.secret", str(secret)))
    # What a command line says of targets is no fault, and of no use.
    found = load(file, {"targets.portal": "127.0.0.1:0"})
    assert found.cinder is not None
    assert (found.cinder.timeout, found.cinder.poll) == (60, 5)


def test_each_way_of_authentication_has_an_example_and_each_key_a_row() -> None:
    assert {re.search('auth = "(.*)"', text).group(1) for text in EXAMPLES} == set(NEEDED)  # type: ignore[union-attr]
    assert not [key for key in KEYS if f"`{key}`" not in PAGE]


def faults(document: dict[str, object]) -> str:
    with pytest.raises(DocumentInvalid) as raised:
        parse(document)
    return "\n".join(map(str, raised.value.faults))


def test_without_it_volumes_are_our_own() -> None:
    assert parse({}).cinder is None
    assert parse({"engine": "own"}).cinder is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"engine": "ceph"}, "engine: must be one of own, cinder"),
        ({"cinder": NOAUTH}, 'cinder: needs engine = "cinder"'),
        ({"engine": "cinder", "cinder": NOAUTH, "targets": {"driver": "tgt"}}, "targets: is for volumes of our own"),
        ({"engine": "cinder"}, "cinder.password_file: is missing; auth = 'password' needs it"),
        ({"engine": "cinder", "cinder": {"auth": "noauth"}}, "cinder.endpoint: is missing"),
        ({"engine": "cinder", "cinder": {**NOAUTH, "endpoint": "cinder:8776"}}, "cinder.endpoint: 'cinder:8776' is not a URL"),
        ({"engine": "cinder", "cinder": {**NOAUTH, "endpoint": "http://u:p@h/v3"}}, "must hold no user or password"),
        ({"engine": "cinder", "cinder": {**NOAUTH, "pol": 3}}, "cinder.pol: unknown key; did you mean 'poll'?"),
        ({"engine": "cinder", "cinder": {**NOAUTH, "timeout": 0}}, "cinder.timeout: must be"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, object], said: str) -> None:
    assert said in faults(document)


def test_a_secret_that_others_may_read_is_refused(secret: Path, tmp_path: Path) -> None:
    secret.chmod(0o644)
    file = tmp_path / "server.toml"
    noauth = "\n".join(f'{key} = "{value}"' for key, value in NOAUTH.items())
    file.write_text(f'engine = "cinder"\n[cinder]\n{noauth}\npassword_file = "{secret}"\nsecret_file = "/nowhere"\n')
    with pytest.raises(DocumentInvalid) as raised:
        load(file, {})
    told = [str(each) for each in raised.value.faults]
    assert told[0].startswith(f"cinder.password_file: {secret} has the mode 0644 and must be 0600")
    assert told[1] == "cinder.secret_file: cannot read /nowhere: No such file or directory"


@pytest.mark.parametrize(("text", "said"), [(None, "No such file or directory"), ("", "NO_CERTIFICATE_OR_CRL_FOUND"), ("x", "")])
def test_certificates_that_cannot_be_read_are_a_fault_at_the_start(text: str | None, said: str, tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    if text is not None:
        authorities.write_text(text)
    file = tmp_path / "server.toml"
    noauth = "\n".join(f'{key} = "{value}"' for key, value in NOAUTH.items())
    file.write_text(f'engine = "cinder"\n[cinder]\n{noauth}\nca_cert = "{authorities}"\n')
    with pytest.raises(DocumentInvalid) as raised:
        load(file, {})
    told = [str(each) for each in raised.value.faults]
    assert len(told) == 1
    assert told[0].startswith(f"cinder.ca_cert: no certificate can be read from {authorities}: ")
    assert said in told[0]
