"""The two questions that Nova's metadata service asks Neutron, answered at once. ``neutron.py PORT``"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

GROUP = "00000000-0000-0000-0000-000000000001"


def answer(address: str) -> dict[str, list[dict[str, object]]]:
    """What is listed there: one port for each instance that is asked for, and its one security group."""
    parts = urlsplit(address)
    name = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".json")
    if name == "ports":
        devices = parse_qs(parts.query).get("device_id", [])
        return {"ports": [{"id": f"vif-{each}", "device_id": each, "security_groups": [GROUP]} for each in devices]}
    return {name.replace("-", "_"): [{"id": GROUP, "name": "default"}] if name == "security-groups" else []}


class Handler(BaseHTTPRequestHandler):
    """Neutron's answers in one write: Nagle's algorithm and a delayed acknowledgement would cost 40 ms of Nova's time."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """See `answer`."""
        body = json.dumps(answer(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
