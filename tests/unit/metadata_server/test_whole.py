"""An answer that is there at once leaves in one write, with the bytes that uvicorn would have written in two."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from metadata_server.listening.connection import HttpToolsConnection

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b"), (b"content-length", b"4")]}
BODY = {"type": "http.response.body", "body": b"text"}


class Transport(asyncio.Transport):
    """Notes what is written."""

    def __init__(self):
        super().__init__()
        self.written, self.closed = [], False

    def write(self, data):
        if data:
            self.written.append(bytes(data))

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def pause_reading(self):
        pass

    resume_reading = pause_reading


def answered(kind, messages, request=GET, fail=None):
    async def app(_scope, _receive, send):
        for each in messages:
            await send(each)
        if fail is not None:
            raise fail

    async def scene():
        config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, lifespan="off", date_header=False)
        config.load()
        state = ServerState()
        protocol, transport = kind(config=config, server_state=state, app_state={}), Transport()
        protocol.connection_made(transport)
        for _ in range(2):  # a second request comes over the same connection
            if not transport.closed:
                protocol.data_received(request)
                await asyncio.gather(*tuple(state.tasks))
        return transport, protocol

    return asyncio.run(scene())


CASES = {
    "plain": [START, BODY],
    "nothing in it": [{"type": "http.response.start", "status": 204, "headers": []}, {"type": "http.response.body"}],
    "without a length": [{**START, "headers": []}, BODY],
    "in pieces": [START, {**BODY, "body": b"te", "more_body": True}, {**BODY, "body": b"xt"}],
    "closing": [{**START, "headers": [*START["headers"], (b"connection", b"close")]}, BODY],
    "too long": [START, {**BODY, "body": b"longer"}],
    "too short": [START, {**BODY, "body": b"x"}],
    "a line of its own": [{**START, "headers": [*START["headers"], (b"x", b"y\r\nset-cookie: z")]}, BODY],
    "a bare line feed": [{**START, "headers": [*START["headers"], (b"x", b"y\nset-cookie: z")]}, BODY],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("request_", [GET, GET.replace(b"GET", b"HEAD"), GET.replace(b"1.1", b"1.0")], ids=["get", "head", "1.0"])
@pytest.mark.parametrize("messages", CASES.values(), ids=CASES)
def test_the_bytes_are_uvicorns(messages, request_, caplog):
    ours, _ = answered(HttpToolsConnection, messages, request_)
    theirs, _ = answered(HttpToolsProtocol, messages, request_)
    assert b"".join(ours.written) == b"".join(theirs.written)
    assert b"set-cookie" not in b"".join(ours.written)
    assert ours.closed == theirs.closed


@pytest.mark.parametrize("name", ["plain", "nothing in it"])
def test_one_write_an_answer(name):
    transport, protocol = answered(HttpToolsConnection, CASES[name])
    assert len(transport.written) == 2  # two requests
    assert not transport.closed
    assert protocol.stage() == ("idle", protocol.cycle)
    assert protocol.server_state.total_requests == 2


def test_what_fails_after_its_head_is_an_error_and_no_half_answer(caplog):
    transport, _ = answered(HttpToolsConnection, [START], fail=ValueError("x"))
    assert transport.written[0].startswith(b"HTTP/1.1 500 ")
