"""Figures for Prometheus (prometheus_client): requests as they come, everything else looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
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
    """Of one listener; the histogram's children are kept, because looking one up costs more than counting."""

    def __init__(self, histogram: Histogram, listener: str) -> None:
        self._histogram, self._listener = histogram, listener
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def add(self, method: str, template: str, status: int, seconds: float) -> None:
        """One request."""
        key = (method, template, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._histogram.labels(self._listener, method, template, str(status))
        child.observe(seconds)


class Figures:
    """One registry, so that several servers can be in one process (as in tests)."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each one, of which nobody asks
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "blockstore_http_request_seconds", "Time until an answer was sent; status 0: nobody was there any more.",
            ("listener", "method", "route", "status"), buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip

    def times(self, listener: str) -> Times:
        """Where one listener adds its requests."""
        return Times(self._requests, listener)

    def look(self, see: Callable[[], Seen]) -> None:
        """Ask this at every scrape."""
        self._registry.register(_Looked(see))

    def text(self) -> bytes:
        """Prometheus' text format 0.0.4."""
        return bytes(generate_latest(self._registry))


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
