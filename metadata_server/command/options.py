"""Options that every command has, so that they may stand at its end as well as before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from metadata_server.command.client import Client
from metadata_server.configuration import DEFAULT_STATE


def state_folder(given: str | None) -> Path:
    """The folder: this command's own option, the root's (or BLOCKSTORE_STATE), the default."""
    context = click.get_current_context().find_root()
    return Path(given or context.obj or DEFAULT_STATE)


def with_client(function: Callable[..., None]) -> Callable[..., None]:
    """Give the command a `Client` and ``as_json`` as its first arguments, and the options ``--state`` and ``--json``."""

    @click.option("--state", metavar="DIR", help="The server's folder.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(function)
    def wrapped(*, state: str | None, as_json: bool, **words: Any) -> None:
        function(Client(state_folder(state)), as_json, **words)

    return wrapped


def pairs(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``key=value`` options as a mapping."""
    found = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
        found[key] = value
    return found
