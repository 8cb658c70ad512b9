"""Small templates without Jinja2: the same text as with it, and an error for what it does not understand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from blockstore import plain, render
from blockstore.iscsi import Chap, IscsiPath
from blockstore.portal import Portal
from blockstore.secret import Secret

ONE_WAY = Chap("user", Secret("Plant3dS3cret"))
MUTUAL = Chap("user", Secret("Plant3dS3cret"), "back", Secret("An0therS3cret"))


@pytest.mark.parametrize("chap", [None, ONE_WAY, MUTUAL], ids=["no CHAP", "CHAP", "mutual CHAP"])
@pytest.mark.parametrize("host", ["10.0.0.1", "fd00::1"])
def test_a_record_is_the_same_either_way(chap: Chap | None, host: str) -> None:
    values = {
        "path": IscsiPath(Portal(host, 3260), "iqn.2010-10.org.openstack:volume-1", 1), "portal_group": 1, "startup": "onboot   ",
        "initiator": "iqn.x:a", "chap": chap, "chap_algs": "MD5", "timeouts": SimpleNamespace(login_timeout=5, retries=9),
    }  # fmt: skip
    assert plain.render("node-record.j2", **values) == render.render("node-record.j2", **values)


def test_an_initiator_name_is_the_same_either_way() -> None:
    values = {"name": "iqn.2018-12.com.x:{{ a }}"}
    assert plain.render("initiatorname.iscsi.j2", **values) == render.render("initiatorname.iscsi.j2", **values)


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        plain.render("initiatorname.iscsi.j2")
    with pytest.raises(FileNotFoundError):
        plain.render("no-such-template.j2")


@pytest.mark.parametrize("line", ["{{ a | upper }}", "{% for a in b %}", "x {% if a %}", "{# note #}", "{{ a"])
def test_what_is_more_than_that_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr(render, "FOLDERS", (tmp_path,))
    (tmp_path / f"{abs(hash(line))}.j2").write_text(f"{line}\n")
    with pytest.raises(ValueError, match="needs Jinja2"):
        plain.render(f"{abs(hash(line))}.j2", a="a", b=[])


def test_a_condition_within_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "FOLDERS", (tmp_path,))
    inner = "{% if b %}\nb\n{% else %}\nno b\n{% endif %}\n"
    (tmp_path / "nested.j2").write_text(f"{{% if a %}}\na\n{inner}{{% else %}}\nno a\n{{% endif %}}\n")
    shown = {(a, b): plain.render("nested.j2", a=a, b=b) for a in (0, 1) for b in (0, 1)}
    assert shown == {(0, 0): "no a\n", (0, 1): "no a\n", (1, 0): "a\nno b\n", (1, 1): "a\nb\n"}
    assert shown == {(a, b): _jinja(tmp_path, a, b) for a in (0, 1) for b in (0, 1)}


def _jinja(folder: Path, a: int, b: int) -> str:
    import jinja2

    loader = jinja2.FileSystemLoader(str(folder))
    return (
        jinja2.Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
        .get_template("nested.j2")
        .render(a=a, b=b)
    )
