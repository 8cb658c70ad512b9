"""One measurement as a value, and which ones there are."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Contender(str, enum.Enum):
    """Who is measured; the value is what the tables call it."""

    OURS = "blockstore"
    NOVA_CACHED = "Nova metadata, its 15 s cache warm"
    NOVA_UNCACHED = "Nova metadata, not cached"
    CINDER = "cinder-api"
    BARE = "bare ASGI on uvicorn"
    SMALL = "blockstore, few attachments"
    LARGE = "blockstore, many attachments"


class Task(str, enum.Enum):
    """What is asked."""

    FIRST_FETCH = "metadata, every request another instance"
    REPEAT_FETCH = "metadata, one instance again and again"
    SHOW = "attachment show, as the operator"
    OWN_LIST = "attachments, as the instance"
    CYCLE = "reserve, connector, complete, detach"
    CONSTANT = "a constant"


@dataclass(frozen=True)
class Sample:
    """One contender with one task for some seconds: ``rate`` in a second (of requests, or of whole cycles), ``p50`` and ``p99``
    in seconds, ``errors`` that were answered in any other way than hoped for."""

    contender: Contender
    task: Task
    connections: int
    round: int
    rate: float
    p50: float
    p99: float
    errors: int = 0


@dataclass(frozen=True)
class Storm:
    """``instances`` that boot within ``seconds`` (0: all at once). Of every single request how long it took, and of whole boots;
    ``lasted`` from the first request to the last answer; ``client`` is the share of a core that the simulated instances took."""

    instances: int
    seconds: float
    errors: int
    p50: float
    p99: float
    worst: float
    over: int
    boot_p50: float
    boot_worst: float
    lasted: float
    client: float
