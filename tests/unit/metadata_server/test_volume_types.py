"""The types of volumes: one for each configured backend, every fault with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.reader import Faults, Reader
from metadata_server.backends.sparse import SparseSettings
from metadata_server.backends.types import Backends, VolumeType, read_types
from metadata_server.domain.errors import Invalid, Unavailable

STATE = Path("/state")


def types(document: dict[str, Any]) -> tuple[VolumeType, ...]:
    faults = Faults()
    found = read_types(Reader(document, faults, "volumes"), STATE)
    faults.raise_any()
    return found


def a_type(name: str, path: str = "", **words: Any) -> dict[str, Any]:
    return {"name": name, "backend": "sparse", "path": path or f"/{name}", **words}


def test_one_backend_is_the_one_type_of_its_name() -> None:
    assert types({}) == (VolumeType("sparse", "sparse", SparseSettings(STATE / "volumes")),)
    assert types({"backend": "sparse", "path": "/x"}) == (VolumeType("sparse", "sparse", SparseSettings(Path("/x"))),)


def test_several_types_and_which_is_meant_where_none_is_wished() -> None:
    two = [a_type("a", description="slow"), a_type("b")]
    first, second = types({"types": two})
    assert (first.name, first.description, second.settings) == ("a", "slow", SparseSettings(Path("/b")))
    assert [each.name for each in types({"types": two, "default": "b"})] == ["b", "a"]


@pytest.mark.parametrize(
    ("document", "path", "said"),
    [
        ({"backend": "tape"}, "volumes.backend", "must be one of sparse"),
        ({"path": "/a,b"}, "volumes.path", "must not contain a comma"),
        ({"volume_group": "vg"}, "volumes.volume_group", "unknown key"),
        ({"types": []}, "volumes.types", "at least one"),
        ({"types": [a_type("a")], "path": "/x"}, "volumes.path", "unknown key"),
        ({"types": [a_type("a"), a_type("a", "/b")]}, "volumes.types[1].name", "there twice"),
        ({"types": [a_type("a", "/b"), a_type("b")]}, "volumes.types[1]", "the same place"),
        ({"types": [{"backend": "sparse"}]}, "volumes.types[0].name", "is missing"),
        ({"types": [a_type("a")], "default": "b"}, "volumes.default", "must be one of a"),
        ({"types": [a_type("a", pat="x")]}, "volumes.types[0].pat", "did you mean 'path'?"),
    ],
)
def test_a_fault_has_its_path(document: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        types(document)
    assert any(fault.path == path and said in fault.message for fault in caught.value.faults), caught.value


def test_the_backend_of_a_volume(tmp_path: Path) -> None:
    backends = Backends(types({"types": [a_type("a", str(tmp_path / "a")), a_type("b", str(tmp_path / "b"))]}), lambda _: None)
    backends.check()
    assert (backends.default, backends.wished(""), backends.wished("b")) == ("a", "a", "b")
    assert backends.of("b").path("v") == str(tmp_path / "b" / "v")
    assert [name for name, _ in backends] == ["a", "b"]
    with pytest.raises(Invalid, match="there are a, b"):
        backends.wished("c")
    with pytest.raises(Unavailable, match=r"\[\[volumes.types\]\] with name = \"gone\""):
        backends.of("gone")
