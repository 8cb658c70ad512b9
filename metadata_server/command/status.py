"""``blockstore-server status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import properties, show


@click.command()
@with_client
def status(client: Client, as_json: bool) -> None:
    """How the server is: what it has, what it stands on, and what is not as it should be."""
    found = {**client.get("/status")["status"], "overview": client.overview_url}
    show(as_json, found, properties(dict(_lines(found))))


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """A line for each, those of what went wrong at the end. A server whose volumes are a Cinder's has less to tell."""
    amounts = ("volumes", "snapshots", "attachments")
    for key, value in found.items():
        if key in amounts:
            yield key, ", ".join(f"{number} {word}" for word, number in value.items()) or "none"
        elif not isinstance(value, (dict, list)):
            yield key, ", ".join(found["portals"]) if key == "portal" else value
    if "exports" in found:
        yield from _own(found)
        yield from _trouble(found)


def _own(found: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    exports, database, target, reports = (found[key] for key in ("exports", "database", "target", "reports"))
    yield "exports", f"{exports['present']} of {exports['wanted']}, {exports['sessions']} sessions"
    for each in found["types"]:
        yield f"type {each['name']}", f"{each['backend']}, {each['volumes']} volumes{', default' if each['default'] else ''}"
    yield "target", f"{target['driver']}, {'running' if target['running'] else 'not running; it is started again'}"
    keys = f"secrets under {database['keys']} keys" if database["keys"] else "secrets not encrypted"
    yield "database", f"{database['kind']}, schema {database['schema']}, {keys}"
    yield "reports", f"{reports['failed']} instances with trouble" if reports["failed"] else "no instance with trouble"


def _trouble(found: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for number, each in enumerate(found["warnings"]):
        yield f"warning{f' ({number + 1})' if number else ''}", each
    for each in found["exports"]["failed"]:
        yield f"failed {each['name'] or each['volume']}", f"{each['status']}: {each['reason']}"
    for name, those in found["unknown"].items():
        yield f"unknown {name}", ", ".join(those)
    last = found["reports"]["last"]
    for each in last:
        for number, reason in enumerate(each["reasons"]):
            yield f"trouble {each['name']}{f' ({number + 1})' if number else ''}", f"{reason} ({each['received_at'][:19]}Z)"
    if found["reports"]["failed"] > len(last):
        yield "and", f"{found['reports']['failed'] - len(last)} more instances with trouble: see the overview"
