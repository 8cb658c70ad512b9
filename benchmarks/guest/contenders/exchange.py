"""The yardstick: one bare HTTP exchange, the list of attachments."""

from __future__ import annotations

import http.client
import json
import urllib.parse

from job import Job


def prepare(job: Job) -> None:
    """Nothing."""


def bring_up(job: Job) -> None:
    """Connect, ask, read, parse."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(job.endpoint).netloc, timeout=30)
    connection.request("GET", "/v1/attachments", headers={"Authorization": f"Bearer {job.token}"})
    answer = connection.getresponse()
    json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the service answered {answer.status}")
