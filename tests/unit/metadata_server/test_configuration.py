import os
from pathlib import Path

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.portal import Portal
from blockstore.render import render
from metadata_server.backends.sparse import SparseSettings
from metadata_server.backends.types import VolumeType
from metadata_server.configuration import DEFAULT_STATE, Listener, load, parse


def test_nothing_said_is_one_machine():
    found = parse({})
    assert (found.instance, found.operator) == (Listener("127.0.0.1", 8775), Listener("127.0.0.1", 8776))
    assert found.state == Path(DEFAULT_STATE)
    assert found.types == (VolumeType("sparse", "sparse", SparseSettings(Path(DEFAULT_STATE) / "volumes")),)
    assert (found.target.portal, found.target.control, found.target.any_port) == (Portal("127.0.0.1", 3260), "socket", False)


def test_the_installed_file_says_the_defaults(tmp_path):
    file = tmp_path / "server.toml"
    file.write_text(render("server/server.toml.j2", state=DEFAULT_STATE))
    assert load(file, {}) == parse({})


def test_options_go_before_the_file(tmp_path):
    file = tmp_path / "server.toml"
    file.write_text('state = "/a"\n[targets]\nportal = "10.0.0.1:1"\niothreads = 4\n')
    found = load(file, {"state": "/b", "targets.portal": "[::1]:0", "operator.listen": None})
    assert (found.state, found.target.iothreads, found.target.any_port) == (Path("/b"), 4, True)
    assert found.target.portal.host == "::1"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"stat": "/x"}, "stat: unknown key; did you mean 'state'?"),
        ({"state": "/a,b"}, "state: must not contain a comma"),
        ({"instance": {"listen": "localhost:1"}}, "instance.listen: 'localhost:1' is not ADDRESS:PORT"),
        ({"instance": {"listen": "127.0.0.1:70000"}}, "instance.listen:"),
        ({"instance": {"listen": "0.0.0.0:1"}}, "instance.endpoint: must be given"),
        ({"instance": {"endpoint": "ftp://x"}}, "instance.endpoint: 'ftp://x' is not a URL"),
        ({"targets": {"portal": "[::]:1"}}, "targets.advertised: must be given"),
        ({"targets": {"advertised": "10.0.0.1:x"}}, "targets.advertised:"),
        ({"targets": {"iothreads": 0}}, "targets.iothreads: must be from 1 to 64"),
        ({"volumes": {"backend": "tape"}}, "volumes.backend: must be one of sparse"),
    ],
)
def test_a_fault_has_its_path(document, said):
    with pytest.raises(DocumentInvalid, match=said.replace("(", r"\(").replace("?", r"\?")):
        parse(document)


def test_all_faults_at_once():
    with pytest.raises(DocumentInvalid) as caught:
        parse({"stat": 1, "operator": {"listen": 5}, "targets": {"driver": "x"}})
    assert {fault.path for fault in caught.value.faults} == {"stat", "operator.listen", "targets.driver"}


def test_a_file_that_is_not_toml(tmp_path):
    (tmp_path / "f").write_text("= 1")
    with pytest.raises(DocumentInvalid, match="f: is not TOML: "):
        load(tmp_path / "f", {})


def test_a_file_that_is_not_there_is_said_without_a_number(tmp_path):
    with pytest.raises(DocumentInvalid, match=r"none: cannot be read: No such file or directory$"):
        load(tmp_path / "none", {})


def test_files_that_do_not_serve_are_named_with_all_other_faults(tmp_path):
    file, keys = tmp_path / "server.toml", tmp_path / "keys"
    keys.write_text("x")
    keys.chmod(0o640)
    none, proxies = tmp_path / "none", '[{addresses = ["10.0.0.1"], secret_file = "/dev/null"}]'
    tls = f'tls = {{certificate = "{none}", key = "{keys}"}}'
    database = f'url = "postgresql://a@127.0.0.1/b"\npassword_file = "{none}"\nkey_file = "{keys}"'
    file.write_text(f'stat = "x"\n[instance]\nproxies = {proxies}\n{tls}\n[operator]\n{tls}\n[database]\n{database}\n')
    with pytest.raises(DocumentInvalid) as caught:
        load(file, {})
    missing, wide = (
        f"cannot read {none}: No such file or directory",
        f"{keys} has the mode 0640 and must be 0600 (chmod 600 {keys})",
    )
    assert [str(fault) for fault in caught.value.faults] == [
        "stat: unknown key; did you mean 'state'?",
        f"database.password_file: {missing}",
        f"database.key_file: {wide}",
        f"instance.tls.certificate: {missing}",
        f"instance.tls.key: {wide}",
        f"operator.tls.certificate: {missing}",
        f"operator.tls.key: {wide}",
        "instance.proxies[0].secret_file: /dev/null is no plain file",
    ]


def test_a_password_in_the_url_is_answered_with_the_way_that_was_taken(tmp_path):
    url, file = "postgresql://a:planted@127.0.0.1/b", tmp_path / "server.toml"
    with pytest.raises(DocumentInvalid, match="use --database-password-file") as caught:
        load(None, {"database.url": url})
    assert "planted" not in str(caught.value)
    file.write_text(f'[database]\nurl = "{url}"\n')
    file.chmod(0o644)
    with pytest.raises(DocumentInvalid, match=rf"chmod 600 {file}, or database.password_file"):
        load(file, {})
    file.chmod(0o600)
    assert load(file, {}).database.password is not None


def test_a_pipe_that_holds_a_password_is_not_emptied_by_looking_at_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    found = load(None, {"database.url": "postgresql://a@127.0.0.1/b", "database.password_file": str(tmp_path / "pipe")})
    assert found.database.password_file == tmp_path / "pipe"
