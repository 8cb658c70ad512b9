"""The examples in the documents are right: every block of YAML is read, and every blockstore document in it is valid."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import tomllib
import yaml

from cc_blockstore import command
from cc_blockstore.document.parse import KEYS, parse
from cc_blockstore.document.wishes import KEYS as WISHES
from cc_blockstore.filesystems import FILESYSTEMS
from metadata_server import configuration
from metadata_server.command.main import root

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(match.group(1), id=f"{page.relative_to(ROOT)}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
    for page in PAGES
    for match in BLOCK.finditer(page.read_text())
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_yaml_and_its_blockstore_document_valid(text: str) -> None:
    value = yaml.safe_load(text)
    if isinstance(value, dict) and "blockstore" in value:
        parse(value["blockstore"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_server_s_examples_are_right(page: Path) -> None:
    for text in re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        configuration.parse(tomllib.loads(text))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("key", [*KEYS, *WISHES])
def test_every_key_is_told_of(key: str) -> None:
    assert f"| `{key}` |" in (ROOT / "docs/document.md").read_text()


@pytest.mark.parametrize("name", list(FILESYSTEMS))
def test_every_file_system_is_told_of_with_its_longest_label(name: str) -> None:
    [line] = [line for line in (ROOT / "docs/document.md").read_text().splitlines() if line.startswith("| `label`")]
    assert re.search(rf"{FILESYSTEMS[name].label_bytes} \([^)]*{name}", line)


def _of_server(one: click.Command) -> Iterator[str]:
    for each in one.params:
        yield from (name for name in (*each.opts, *each.secondary_opts) if name.startswith("-"))
    for inner in one.commands.values() if isinstance(one, click.Group) else ():
        yield from _of_server(inner)


def _of_guest(parser: argparse.ArgumentParser) -> Iterator[str]:
    for each in parser._actions:
        yield from each.option_strings
        for inner in each.choices.values() if isinstance(each, argparse._SubParsersAction) else ():
            yield from _of_guest(inner)


@pytest.mark.parametrize(("page", "options"), [
    ("blockstore-server.8", {"-h", "--help", *_of_server(root)}), ("blockstore.8", set(_of_guest(command._parser()))),
])  # fmt: skip
def test_a_man_page_has_every_option(page: str, options: set[str]) -> None:
    text = (ROOT / "docs/man" / page).read_text().replace("\\-", "-")
    assert {"--version", "--verbose"} <= options
    assert options <= set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.sub(r"\\f[BIRP]", "", text)))


def test_every_page_is_reached_from_the_readme() -> None:
    linked = re.findall(r"\]\((docs/[^)#]+)", PAGES[0].read_text())
    assert {f"docs/{page.name}" for page in PAGES[1:]} <= set(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
