"""What is too long, too much or too deep never reaches the application."""

import asyncio

import pytest

from metadata_server.api.body import DEEPEST, LARGEST, LARGEST_HEADERS, LONGEST_ADDRESS, MOST_HEADERS, Limit, nested


def ask(*parts, headers=(), path=b"/x", query=b"", gone=False):
    """The status, and what the application saw."""
    seen, sent = [], []
    left = [{"type": "http.request", "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)]
    if gone:
        left[-1] = {"type": "http.disconnect"}

    async def app(scope, receive, send):
        seen.append((await receive()).get("body"))

    async def receive():
        return left.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "raw_path": path, "query_string": query, "headers": list(headers)}
    asyncio.run(Limit(app)(scope, receive, send))
    return sent[0]["status"] if sent else None, seen


CHUNKED = (b"transfer-encoding", b"chunked")


def test_a_body_comes_whole():
    assert ask(b"{", b"}", headers=[CHUNKED]) == (None, [b"{}"])
    assert ask(b"", headers=[]) == (None, [b""])


@pytest.mark.parametrize(
    ("headers", "parts"),
    [
        ([(b"content-length", b"%d" % (LARGEST + 1))], [b""]),
        ([(b"content-length", b"9" * 5000)], [b""]),
        ([CHUNKED], [b"x" * LARGEST, b"y"]),
    ],
)
def test_a_large_one_does_not(headers, parts):
    assert ask(*parts, headers=headers) == (413, [])


def test_of_one_that_breaks_off_nothing_is_believed():
    assert ask(b"{}", b"", headers=[CHUNKED], gone=True) == (None, [])


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"path": b"/" + b"x" * LONGEST_ADDRESS}, 414),
        ({"query": b"x" * (LONGEST_ADDRESS + 1)}, 414),
        ({"headers": [(b"a", b"b")] * (MOST_HEADERS + 1)}, 431),
        ({"headers": [(b"a", b"b" * LARGEST_HEADERS)]}, 431),
        ({"headers": [CHUNKED, (b"content-length", b"2")]}, 400),
    ],
)
def test_a_head_has_limits(words, status):
    assert ask(b"", **words) == (status, [])
    assert ask(b"", headers=[(b"a", b"b")] * MOST_HEADERS) == (None, [b""])


@pytest.mark.parametrize(
    ("raw", "deep"),
    [
        (b"[" * 5000, 5000),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 40),
        (b'{"a": "' + b"[" * 5000 + b'"}', 1),
        (b'{"a": "\\"' + b"{" * 5000 + b'"}', 1),
        (b"[]," * 100, 1),
        (b"{}", 0),
    ],
)
def test_depth_is_of_brackets_outside_of_texts(raw, deep):
    assert nested(raw) == deep
    assert ask(raw, headers=[CHUNKED])[0] == (400 if deep > DEEPEST else None)
