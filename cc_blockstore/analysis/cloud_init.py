"""cloud-init's log, read as `cloud-init analyze` does: the lines of its reporting events, and those of the latest boot alone."""

from __future__ import annotations

import datetime
import re

from cc_blockstore.analysis.recorded import Event

# One boot after the other is in the same file; each begins with its first stage's announcement.
_BOOT = re.compile(r"Cloud-init v\. .* running 'init-local' at ")
# The stamp is UTC whatever the machine's zone is (cloudinit/log: Formatter.converter = gmtime).
_EVENT = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - \S+\[\w+\]: (?P<kind>start|finish): (?P<name>[^:\s]+): (?P<words>.*)"
)
# What our module tells of a step that has ended (`cc_blockstore.progress`).
_STEP = re.compile(r"(?:\w+: )?(?P<step>\w+) of volume (?P<volume>.*) took (?P<seconds>\d+\.\d+) seconds$")


def events(log: str) -> tuple[Event, ...]:
    """The events of the latest boot, in the log's own order. What is no event is passed over, whatever it is."""
    begun = 0
    for match in _BOOT.finditer(log):
        begun = log.rfind("\n", 0, match.start()) + 1
    return tuple(_event(match) for match in _EVENT.finditer(log, begun))


def _event(match: re.Match[str]) -> Event:
    there = datetime.datetime.strptime(match["stamp"], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=datetime.timezone.utc)
    return Event(match["name"], match["kind"] == "start", there.timestamp(), match["words"].rstrip())


def told(event: Event) -> tuple[str, str, float] | None:
    """The volume, the step and its seconds, where this is the end of one of our steps."""
    match = None if event.begins else _STEP.match(event.words)
    return (match["volume"], match["step"], float(match["seconds"])) if match else None
