import subprocess

import pytest

from testbed.target import Chap, Export, ForeignTarget

IQN = "iqn.2026-01.invalid.foreign:disk"
LOGIN = Chap(user="reader", password="0123456789abcdef")


@pytest.fixture
def target(tmp_path):
    with ForeignTarget(tmp_path / "tgtd.log") as running:
        yield running


def export(tmp_path, **changes) -> Export:
    backing = tmp_path / "disk"
    with backing.open("wb") as file:
        file.truncate(8 << 20)
    return Export(**({"iqn": IQN, "backing": backing, "serial": "foreign-1", "chap": LOGIN} | changes))


def inquire(portal: str, login: str) -> subprocess.CompletedProcess[str]:
    command = ["iscsi-inq", "-e", "1", "-c", "128", f"iscsi://{login}{portal}/{IQN}/1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_the_serial_is_served_to_who_knows_the_password(target, tmp_path):
    target.add(export(tmp_path))
    done = inquire(target.portal, f"{LOGIN.user}%{LOGIN.password}@")
    assert "foreign-1" in done.stdout


@pytest.mark.parametrize("login", ["", "reader%wrongwrongwrong0@"])
def test_nobody_else_gets_in(target, tmp_path, login):
    target.add(export(tmp_path))
    assert inquire(target.portal, login).returncode != 0


def test_a_withdrawn_export_is_gone(target, tmp_path):
    target.add(export(tmp_path))
    assert target.sessions(IQN) == []
    target.remove(IQN)
    assert inquire(target.portal, f"{LOGIN.user}%{LOGIN.password}@").returncode != 0


def test_two_daemons_live_side_by_side(target, tmp_path):
    with ForeignTarget(tmp_path / "other.log") as other:
        assert other.port != target.port
        assert other.guest_portal == f"10.0.2.2:{other.port}"
