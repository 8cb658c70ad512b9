"""An instance without volumes, at its first boot: what the whole run would do and leave behind, without all that volumes need.

Only for the plainest case: a document that names the metadata service and nothing else, nothing known from before, and a service
that answers that there is nothing. Whatever is more than that is left to the whole run, which begins anew: what was done here by
then it would have done, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blockstore import iqn
from cc_blockstore import exchange, said, seal
from cc_blockstore.unchanged import STATUS, Alone, Moment, inputs, put, text

WORDS = ("endpoint", "token", "initiator_name")
SECONDS = 2.0  # a service that is slower is asked by the whole run
SHORTEST_DEADLINE, LONGEST_DEADLINE = 5, 3600
LONGEST_ENDPOINT, LONGEST_TOKEN = 253, 4096
# Of a YAML file the lines that nobody could read in two ways: what begins with a letter is a text, but for some short words.
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-")
LONGEST_WORD = 8


def nothing_to_do(cfg: Any, cloud: Any, root: Path = Path("/")) -> bool:
    """Whether this is such an instance; all is done then. False for whatever is unusual: the whole run looks at it."""
    moment, metadata = Moment(), said.metadata(cloud)
    try:
        document = _plain(cfg, metadata, root)
        if document is None or _is_remembered(root):
            return False
        instance_id = str(cloud.get_instance_id())
        with Alone(root):
            return _done(root, document, instance_id, inputs(cfg, metadata, root), moment)
    except Exception:  # whatever it is, the whole run meets it again, and says so
        return False


def _done(root: Path, document: Mapping[str, str], instance_id: str, digest: str, moment: Moment) -> bool:
    service = {"endpoint": document["endpoint"], "token": document.get("token", ""), "ca_cert": ""}
    with exchange.Line(**service, seconds=SECONDS) as line:
        if line.attachments():
            return False
        from cc_blockstore.machine import initiator

        name = document.get("initiator_name") or iqn.derived(instance_id)
        initiator.write_name(name, root)
        report = {"version": 1, "instance_id": instance_id, "initiator_name": name, **moment.words(), "volumes": []}
        line.report(report)
    put(f"{root}/{STATUS}", json.dumps(report, indent=1) + "\n", 0o644)
    seal.write(root, instance_id, digest, service, [], report)
    return True


def _is_remembered(root: Path) -> bool:
    """Whether there was a run in this boot, or a volume ever."""
    return os.path.exists(f"{root}/{STATUS}") or os.path.exists(f"{root}/var/lib/blockstore/volumes")


def _plain(cfg: Any, metadata: Any, root: Path) -> dict[str, str] | None:
    """The document, where it is as plain as that; else None. The parts as `cc_blockstore.document.sources` puts them together."""
    kept = [os.path.join(root, name) for name in said.FILES]
    if not set(said.files(str(root))) <= set(kept):
        return None
    parts = [_part(metadata), _lines(kept[0]), _part(cfg), _lines(kept[1])]
    document = {key: value for part in parts for key, value in part.items()}
    deadline = document.pop("deadline", LONGEST_DEADLINE)
    return document if _is_right(document) and _is_deadline(deadline) else None


def _part(config: Any) -> dict[str, Any]:
    """What one mapping says; wishes where there are none of them say nothing."""
    found = config.get(said.KEY) if isinstance(config, Mapping) else None
    return {} if found is None else {key: value for key, value in found.items() if (key, value) != ("volumes", {})}


def _lines(path: str) -> dict[str, str]:
    """A file as the datasource writes it. Raises ValueError where YAML is needed to read it."""
    found: dict[str, str] = {}
    for line in (text(path) or "").splitlines():
        key, _, value = line.partition(": ")
        plain = value[:1].isalpha() and set(value) <= PLAIN and value[-1] != ":" and len(value) > LONGEST_WORD
        if not plain or key not in WORDS or key in found:
            raise ValueError("not as plain as that")
        found[key] = value
    return found


def _is_right(document: Mapping[str, Any]) -> bool:
    """Whether the whole run would find nothing wrong with it; it knows more that is right."""
    if not all(key in WORDS and isinstance(value, str) for key, value in document.items()):
        return False
    token, name = document.get("token", ""), document.get("initiator_name")
    seen = len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable() and " " not in token
    return seen and _is_address(document.get("endpoint", "")) and (name is None or not iqn.fault(name))


def _is_deadline(value: object) -> bool:
    return type(value) is int and SHORTEST_DEADLINE <= value <= LONGEST_DEADLINE


def _is_address(endpoint: str) -> bool:
    """``http://host:port``, and no more than that."""
    scheme, _, place = endpoint.partition("://")
    host, _, port = place.partition(":")
    named = host.isascii() and host.replace(".", "").replace("-", "").isalnum()
    numbered = not port or (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 1 << 16)
    return len(endpoint) <= LONGEST_ENDPOINT and scheme in ("http", "https") and named and numbered
