"""The instances' listener as an OpenAPI 3.1 document, in the order of its routes; a test compares the two."""

from __future__ import annotations

from blockstore import __version__

Json = dict[str, object]

IDENTITY: list[Json] = [{"bearer": []}, {"session": []}, {"proxy": [], "proxyProject": [], "proxySignature": []}]
SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token of the seed."},
    "session": {"type": "apiKey", "in": "header", "name": "X-aws-ec2-metadata-token", "description": "As IMDSv2."},
    "proxy": {"type": "apiKey", "in": "header", "name": "X-Instance-ID", "description": "From a configured proxy."},
    "proxyProject": {"type": "apiKey", "in": "header", "name": "X-Tenant-ID"},
    "proxySignature": {"type": "apiKey", "in": "header", "name": "X-Instance-ID-Signature", "description": "Hex HMAC-SHA256."},
}
TEXT: Json = {"type": "string"}
OBJECT: Json = {"type": "object"}
ID: Json = {"name": "id", "in": "path", "required": True, "schema": TEXT}
FAULTS = {
    400: "The request can never be right.", 401: "Nobody knows who is asking.", 403: "This way is closed.",
    404: "There is none, or it is another instance's.", 409: "Not in this state.", 413: "The body is too large.",
    414: "The address is too long.", 429: "So many answers are held already.", 431: "The headers are too large.",
    503: "Nothing was changed; a retry may succeed.",
}  # fmt: skip

CONNECTOR: Json = {
    "type": "object",
    "required": ["initiator"],
    "properties": {
        "initiator": {"type": "string", "examples": ["iqn.2018-12.com.leftasexercise:web-1"]},
        **dict.fromkeys(("ip", "host", "platform", "os_type", "system uuid", "mountpoint"), TEXT),
        "multipath": {"type": "boolean"},
    },
}
REPORT: Json = {
    "type": "object",
    "required": ["version", "instance_id", "initiator_name", "started", "duration_ms", "volumes"],
    "properties": {
        "version": {"const": 1}, "instance_id": TEXT, "initiator_name": TEXT,
        "started": {"type": "string", "format": "date-time"},
        "duration_ms": {"type": "integer", "minimum": 0}, "volumes": {"type": "array", "items": OBJECT},
    },
}  # fmt: skip


def _answer(text: str, kind: str = "application/json", schema: Json = OBJECT) -> Json:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _call(summary: str, answers: dict[int, Json], *parameters: Json, body: Json | None = None, identity: bool = True) -> Json:
    faults: dict[int, Json] = {code: _answer(text) for code, text in FAULTS.items()}
    call: Json = {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {str(code): answer for code, answer in sorted({**faults, **answers}.items())},
        "security": IDENTITY if identity else [],
    }
    return {**call, "requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else call


def _attachments() -> Json:
    wait: Json = {"name": "wait", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 60}}
    known: Json = {"name": "If-None-Match", "in": "header", "schema": TEXT}
    listed: dict[int, Json] = {
        200: _answer("Status, mode and volume of each; no secret."),
        304: {"description": "As If-None-Match has it."},
    }
    connected: dict[int, Json] = {200: _answer("The attachment with connection_info: here alone is the secret.")}
    connect: Json = {"type": "object", "required": ["attachment"], "properties": {
        "attachment": {"type": "object", "required": ["connector"], "properties": {"connector": CONNECTOR}}}}  # fmt: skip
    complete: Json = {
        "type": "object",
        "required": ["os-complete"],
        "properties": {"os-complete": {}},
        "additionalProperties": False,
    }
    return {
        "/v1/attachments": {"get": _call("My attachments; held while nothing changes", listed, wait, known)},
        "/v1/attachments/{id}": {
            "get": _call("One of them", {200: _answer("No secret.")}, ID),
            "put": _call("Connect", connected, ID, body=connect),
            "delete": _call("Let go", {200: _answer("Those that remain.")}, ID),
        },
        "/v1/attachments/{id}/action": {"post": _call("It is in use", {204: {"description": "Noted."}}, ID, body=complete)},
    }


def document() -> Json:
    """The whole."""
    seconds: Json = {
        "name": "X-aws-ec2-metadata-token-ttl-seconds", "in": "header", "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 21600},
    }  # fmt: skip
    token = _call("A session token", {200: _answer("The token.", "text/plain", TEXT)}, seconds)
    paths: Json = {
        "/healthz": {"get": _call("Whether all works", {200: _answer("It does."), 503: _answer("It does not.")}, identity=False)},
        "/latest/api/token": {"put": {**token, "security": [{}, IDENTITY[2]]}},
        **_attachments(),
        "/v1/report": {"put": _call("What was done", {204: {"description": "Kept."}}, body=REPORT)},
    }
    for name in ("meta-data", "user-data", "vendor-data", "network-config"):
        paths[f"/v1/{name}"] = {"get": _call(f"The {name} of a NoCloud seed", {200: _answer("YAML.", "text/plain", TEXT)})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "blockstore, for instances", "version": __version__},
        "paths": paths,
        "components": {"securitySchemes": SCHEMES},
    }
