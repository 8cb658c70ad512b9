"""Whether a document is there: the same places that `sources.gather` reads, with nothing of them parsed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cc_blockstore import said
from cc_blockstore.document import sources
from cc_blockstore.machine.machine import Paths

NOTHING: dict[str, Any] = {"cfg": {"mounts": []}, "metadata": {"instance-id": "i-1"}, "files": ()}
CASES = {
    "nothing": (NOTHING, False),
    "a cloud-config without one": ({**NOTHING, "cfg": {"blockstore": None}}, False),
    "cloud-config": ({**NOTHING, "cfg": {"blockstore": {}}}, True),
    "something wrong in cloud-config": ({**NOTHING, "cfg": {"blockstore": 3}}, True),
    "metadata": ({**NOTHING, "metadata": {"blockstore": {"deadline": 5}}}, True),
    "metadata that is none": ({**NOTHING, "metadata": "text"}, False),
    "what the datasource keeps": ({**NOTHING, "files": ("var/lib/blockstore/datasource.yaml",)}, True),
    "what was lifted out": ({**NOTHING, "files": ("var/lib/blockstore/user-data.yaml",)}, True),
    "the administrator's": ({**NOTHING, "files": ("etc/blockstore/conf.d/a.yaml",)}, True),
    "another file of theirs": ({**NOTHING, "files": ("etc/blockstore/conf.d/README",)}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_known_without_reading_it(tmp_path: Path, case: str) -> None:
    given, expected = CASES[case]
    for name in given["files"]:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("deadline: 5\n")
    cloud = SimpleNamespace(datasource=SimpleNamespace(metadata=given["metadata"]))
    assert said.anything(given["cfg"], cloud, str(tmp_path)) is expected


@pytest.mark.parametrize("case", [name for name in CASES if "wrong" not in name and "none" not in name])
def test_the_reader_of_documents_agrees(tmp_path: Path, case: str) -> None:
    given, expected = CASES[case]
    for name in given["files"]:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("deadline: 5\n")
    assert (sources.gather(given["cfg"], given["metadata"], Paths(tmp_path)) is not None) is expected


def test_a_cloud_of_an_unknown_shape_says_nothing() -> None:
    assert said.metadata(object()) is None
