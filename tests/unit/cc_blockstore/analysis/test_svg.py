"""The picture: well-formed, self-contained, with words for those who do not see it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cc_blockstore.analysis.svg import WIDTH, svg
from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import verdict
from tests.unit.boots import boot, report, volume

NS = {"svg": "http://www.w3.org/2000/svg"}
HOSTILE = 'a <b> & "c" \x1b[31m'


def drawn(*volumes: object) -> tuple[str, ElementTree.Element]:
    found = timeline(boot(report(*volumes)))  # type: ignore[arg-type]
    text = svg(found, verdict(found))
    return text, ElementTree.fromstring(text)


@pytest.mark.parametrize("count", [0, 1, 3, 128])
def test_every_bar_is_inside_and_says_what_it_is(count):
    _, root = drawn(*(volume(f"v{index:03}", 300 + index, 60, 240, 600, 200) for index in range(count)))
    bars = [each for each in root.iter(f"{{{NS['svg']}}}rect") if each.find("svg:title", NS) is not None]
    assert len(bars) == 13 + 5 * count
    height = float(root.attrib["height"])
    for bar in bars:
        assert 0 <= float(bar.attrib["x"]) < float(bar.attrib["x"]) + float(bar.attrib["width"]) <= WIDTH
        assert 0 < float(bar.attrib["y"]) + float(bar.attrib["height"]) < height
    assert any("search BlockStore, 0.5 s from 10.5 s on" in "".join(bar.itertext()) for bar in bars)


def test_title_and_description_are_for_screen_readers():
    _, root = drawn(volume("data", 1900, 60, 240, 600, 200))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == ["title", "description"]
    title, description = root.find("svg:title", NS), root.find("svg:desc", NS)
    assert title is not None
    assert title.text == "The boot: volumes up after 25.1 s"
    assert description is not None
    assert "login took 1.9 s of its 3.0 s" in str(description.text)


def test_it_needs_nothing_from_elsewhere_and_runs_nothing():
    text, root = drawn(volume("data", 1))
    assert "http" not in text.replace(NS["svg"], "")
    assert not {"script", "image", "use", "foreignObject", "a"} & {each.tag.rpartition("}")[2] for each in root.iter()}
    assert "prefers-color-scheme: dark" in text


def test_a_name_is_text_whatever_it_holds():
    _, root = drawn(volume(HOSTILE, 1900, 100))
    assert any(each.text == 'a <b> & "c"  [31m' for each in root.iter(f"{{{NS['svg']}}}text"))


def test_every_kind_and_step_has_a_colour():
    text, root = drawn(volume("data", 1900, 60, 240, 600, 200))
    looks = {each.attrib["class"] for each in root.iter(f"{{{NS['svg']}}}rect") if "class" in each.attrib}
    assert not [look for look in looks if f".{look} {{ fill:" not in text]
