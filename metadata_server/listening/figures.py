"""Figures for Prometheus (prometheus_client): requests as they come, everything else looked up when it is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Seen:
    """How things are at one moment. ``gauges``: by name, by the one label's value."""

    volumes: Mapping[str, int] = field(default_factory=dict)
    attachments: Mapping[str, int] = field(default_factory=dict)
    instances: int = 0
    faults: int = 0
    restarts: int = 0
    connections: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)


class Times:
    """The requests of one listener, counted by bucket and added up at a scrape: prometheus_client's own histogram takes a lock
    and an object for each bucket of each request."""

    def __init__(self) -> None:
        # By method, route and status: how many in each bucket (the last one is for all above), and after them all seconds.
        self._counts: dict[tuple[str, str, int], list[float]] = {}

    def add(self, method: str, template: str, status: int, seconds: float) -> None:
        """One request."""
        key = (method, template, status)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0.0] * (len(BUCKETS) + 2)
        counts[bisect_left(BUCKETS, seconds)] += 1
        counts[-1] += seconds

    def into(self, family: HistogramMetricFamily, listener: str) -> None:
        """All of them."""
        for (method, template, status), (*counts, seconds) in tuple(self._counts.items()):
            reached = zip((*map(str, BUCKETS), "+Inf"), accumulate(counts), strict=True)
            family.add_metric((listener, method, template, str(status)), list(reached), seconds)


class Figures:
    """One registry, so that several servers can be in one process (as in tests)."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._times: dict[str, Times] = {}
        self._registry.register(_Asked(self._times))

    def times(self, listener: str) -> Times:
        """Where one listener adds its requests."""
        return self._times.setdefault(listener, Times())

    def look(self, see: Callable[[], Seen]) -> None:
        """Ask this at every scrape."""
        self._registry.register(_Looked(see))

    def text(self) -> bytes:
        """Prometheus' text format 0.0.4."""
        return bytes(generate_latest(self._registry))


class _Asked(Collector):
    def __init__(self, times: Mapping[str, Times]) -> None:
        self._times = times

    def collect(self) -> Iterable[Metric]:
        """As they are now."""
        told = "Time until an answer was sent; status 0: nobody was there any more."
        family = HistogramMetricFamily("blockstore_http_request_seconds", told, labels=("listener", "method", "route", "status"))
        for listener, times in self._times.items():
            times.into(family, listener)
        yield family


class _Looked(Collector):
    def __init__(self, see: Callable[[], Seen]) -> None:
        self._see = see

    def describe(self) -> Iterable[Metric]:
        """Nothing: prometheus_client would look at once otherwise."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """As it is now."""
        seen = self._see()
        yield _labelled("blockstore_volumes", "Volumes by status.", "status", seen.volumes)
        yield _labelled("blockstore_attachments", "Attachments by status.", "status", seen.attachments)
        yield GaugeMetricFamily("blockstore_instances", "Registered instances.", seen.instances)
        yield GaugeMetricFamily("blockstore_export_faults", "Exports that are not as they should be.", seen.faults)
        yield CounterMetricFamily("blockstore_target_restarts", "How often the target daemon died.", seen.restarts)
        yield _labelled("blockstore_http_connections", "Open connections.", "listener", seen.connections)
        ended = CounterMetricFamily("blockstore_http_slow_connections", "Ended, being too slow.", labels=("listener",))
        for listener, count in seen.ended.items():
            ended.add_metric((listener,), count)
        yield ended


def _labelled(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, count in values.items():
        family.add_metric((value,), count)
    return family
