"""What is noted of a request: an id, one line without a secret or somebody else's line end, a count; and mistakes of ours."""

import asyncio
import json
import logging
import re

import pytest

from metadata_server.listening.figures import Figures, Seen
from metadata_server.listening.log import FORMATTERS
from metadata_server.listening.observed import ASKER, TEMPLATE, Observed

GIVEN = "req-01234567-89ab-cdef-0123-456789abcdef"
SECRET = "Plant3dS3cret"


class Door:
    def __init__(self, form="text"):
        self.figures, self.lines = Figures(), []
        self.form = FORMATTERS[form]()

    def ask(self, status=200, *, headers=(), method="GET", path="/x", words=None, fail=None, started=True):
        sent = []

        async def app(scope, receive, send):
            scope.update(words or {})
            if started:
                await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})
            if fail:
                raise fail

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "client": ("10.0.0.1", 1)}
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(self.form.format(record))
        log = logging.getLogger("metadata_server.listening.observed")
        log.addHandler(handler)
        before, log.propagate = log.level, False
        log.setLevel(logging.DEBUG)
        try:
            asyncio.run(Observed(app, self.figures, "instance")(scope, None, send))
        finally:
            log.removeHandler(handler)
            log.setLevel(before)
            log.propagate = True
        return sent

    def identifier(self, **words):
        return dict(self.ask(**words)[0]["headers"])[b"x-openstack-request-id"].decode()


def test_the_caller_gets_the_id_that_is_in_the_log():
    door = Door()
    made = door.identifier()
    assert re.fullmatch(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made)
    assert made != door.identifier()
    assert door.lines[0].endswith(f"[{made}]")
    assert door.identifier(headers=[(b"x-openstack-request-id", GIVEN.encode())]) == GIVEN


@pytest.mark.parametrize("given", [b"x", b"req-", GIVEN.encode() + b"\n", GIVEN.encode() + b"x", b"req-" + b"a" * 5000, b"\xff"])
def test_an_id_of_another_form_is_not_taken_over(given):
    assert Door().identifier(headers=[(b"x-openstack-request-id", given)]).encode() != given


def test_the_line_has_the_route_and_never_what_stands_in_the_path():
    door = Door("json")
    words = {"endpoint": 1, "path_params": {"identifier": SECRET}}
    door.ask(404, path=f"/v3/volumes/{SECRET}", words=words)
    door.ask(404, path=f"/{SECRET}")
    door.ask(200, path="/v1/report", words={TEMPLATE: "/v1/report", ASKER: "i-1"}, method="PUT")
    first, second, third = (json.loads(line) for line in door.lines)
    assert (first["route"], first["status"], first["level"]) == ("/v3/volumes/{identifier}", 404, "info")
    assert (second["route"], second["method"]) == ("(none)", "(none)")
    assert (third["route"], third["instance"], third["method"]) == ("/v1/report", "i-1", "PUT")
    assert third["request_id"].startswith("req-")
    assert SECRET not in "".join(door.lines)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_mistake_of_ours_is_one_line_that_quotes_no_value(form):
    door = Door(form)
    sent = door.ask(fail=ValueError(SECRET), started=False)
    assert (sent[0]["status"], b"The server has made a mistake" in sent[1]["body"]) == (500, True)
    assert "ValueError in app (test_observed.py:" in door.lines[0]
    assert SECRET not in "".join(door.lines) + str(sent)
    assert door.ask(fail=ValueError(SECRET))[-1]["status"] == 200, "an answer that was begun is not begun again"


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_writes_a_line_of_his_own(form):
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nERROR forged\r\x1b[2J\u2028b", (), None)
    line = FORMATTERS[form]().format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "forged" in line


def test_requests_are_counted_by_route_and_status_and_the_rest_is_looked_up():
    door = Door()
    for status in (200, 200, 404):
        door.ask(status, words={TEMPLATE: "/v1/attachments/{id}"})
    door.figures.look(lambda: Seen(volumes={"in-use": 2}, attachments={"attached": 3}, instances=4, faults=5, restarts=6))
    lines = door.figures.text().decode().splitlines()
    labels = 'listener="instance",method="GET",route="/v1/attachments/{id}"'
    for wanted in (
        f'blockstore_http_request_seconds_count{{{labels},status="200"}} 2.0',
        f'blockstore_http_request_seconds_count{{{labels},status="404"}} 1.0',
        f'blockstore_http_request_seconds_bucket{{le="0.001",{labels},status="404"}} 1.0',
        'blockstore_volumes{status="in-use"} 2.0', 'blockstore_attachments{status="attached"} 3.0', "blockstore_instances 4.0",
        "blockstore_export_faults 5.0", "blockstore_target_restarts_total 6.0",
    ):  # fmt: skip
        assert wanted in lines, wanted
