"""What the module costs an instance without volumes on this machine's own processor, where the guest's is emulated.

The same calls as `cc_blockstore.handle`, on a machine made of files, against the same server; each time in an interpreter that
has loaded what cloud-init has, and nothing of ours. Imports are most of it, and emulated they are several times as dear.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Contender, Sample, Use
from testbed.server import LocalServer

TIMES = 15
TREE = Path(__file__).parent.parent
CHILD = """
import json, sys, time
import datetime, fcntl, hashlib, http.client, logging, os, pathlib, requests, socket, urllib.parse
asked = json.loads(sys.stdin.read())
class cloud:
    datasource = None
    get_instance_id = staticmethod(lambda: asked["instance_id"])
cfg, root = {"blockstore": asked["document"]}, pathlib.Path(asked["root"])
sys.path[:0] = [asked["tree"], asked["contenders"]]
begun = time.perf_counter()
import cc_blockstore
from cc_blockstore import said, unchanged
done = said.anything(cfg, cloud, str(root)) and unchanged.nothing_to_do(cfg, cloud, root)
if not done:
    from cc_blockstore import idle
    done = idle.nothing_to_do(cfg, cloud, root)
ours = time.perf_counter() - begun
from contenders import exchange
begun = time.perf_counter()
exchange.bring_up(type("job", (), asked["document"]))
bare = time.perf_counter() - begun
print(json.dumps([done, ours, bare]))
"""


def measured(times: int = TIMES) -> Iterator[Sample]:
    """Boots after the first one: ours, and the bare exchange beside it."""
    with tempfile.TemporaryDirectory(prefix="blockstore-benchmark-") as folder, LocalServer(Path(folder) / "state") as server:
        instance = server.create_instance("unemulated")
        asked = {
            "instance_id": instance["id"], "root": f"{folder}/root", "tree": str(TREE),
            "contenders": str(TREE / "benchmarks/guest"),
            "document": {"endpoint": server.instance_url, "token": instance["token"]},
        }  # fmt: skip
        for name in ("etc/iscsi", "run", "var/lib"):
            (Path(folder) / "root" / name).mkdir(parents=True)
        _boot(asked)  # the first one
        for turn in range(times):
            ours, bare = _boot(asked)
            yield Sample(Contender.OURS, Use.NONE_UNEMULATED, 0, turn, ours, 0, 0)
            yield Sample(Contender.EXCHANGE, Use.NONE_UNEMULATED, 0, turn, bare, 0, 0)


def _boot(asked: dict[str, Any]) -> tuple[float, float]:
    said = subprocess.run([sys.executable, "-c", CHILD], input=json.dumps(asked), capture_output=True, text=True, check=True)
    done, ours, bare = json.loads(said.stdout)
    if not done:
        raise RuntimeError("the module found something to do on an instance without volumes")
    return float(ours), float(bare)
