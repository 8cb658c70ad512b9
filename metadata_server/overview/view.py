"""The page as values: what the template writes down, and decides nothing of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from blockstore import report as wire
from blockstore.errors import DocumentInvalid
from metadata_server.overview import words
from metadata_server.overview.boot import Boot, boot
from metadata_server.overview.picture import STEPS, headline
from metadata_server.store.overview import AttachmentRow, InstanceRow, VolumeRow, Wish
from metadata_server.store.reports import Kept
from metadata_server.workflow.health import Amounts, volume_word
from metadata_server.workflow.overview import Front, Single

PATH = "/overview"
ON_A_CARD, ON_ITS_OWN = 6, 48
INSTANCES, VOLUMES = 12, 25
REFRESH = (10, 30, 300, 0)
LONGEST_SEARCH = 100
# The looks of a volume's status; every other word of Cinder's is on its way somewhere.
LOOKS = {"in-use": "well", "available": "idle", "reserved": "moving"}


@dataclass(frozen=True)
class Query:
    """What the address asks for. ``refresh`` in seconds, 0: never."""

    text: str = ""
    trouble: bool = False
    instances_after: str = ""
    volumes_after: str = ""
    refresh: int = 30

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Query:
        """From the address; what is not understood is left out."""
        refresh = values.get("refresh", "")
        return cls(
            values.get("q", "").strip()[:LONGEST_SEARCH], values.get("trouble") == "1", values.get("instances_after", ""),
            values.get("volumes_after", ""), next((each for each in REFRESH if str(each) == refresh), 30),
        )  # fmt: skip

    @property
    def instances(self) -> Wish:
        """The part of the instances."""
        return Wish(self.text, self.trouble, self.instances_after, INSTANCES)

    @property
    def volumes(self) -> Wish:
        """The part of the volumes."""
        return Wish(self.text, self.trouble, self.volumes_after, VOLUMES)

    @property
    def filtered(self) -> bool:
        """Whether some are left out."""
        return bool(self.text or self.trouble)

    def link(self, path: str = "", fragment: str = "", **changes: object) -> str:
        """The address of the same page with something changed."""
        wanted = replace(self, **changes)  # type: ignore[arg-type]
        values = {
            "q": wanted.text, "trouble": "1" if wanted.trouble else "", "instances_after": wanted.instances_after,
            "volumes_after": wanted.volumes_after, "refresh": "" if wanted.refresh == 30 else str(wanted.refresh),
        }  # fmt: skip
        query = urlencode({key: value for key, value in values.items() if value})
        return f"{PATH}{path}{'?' if query else ''}{query}{fragment}"


@dataclass(frozen=True)
class Part:
    """A piece of the bar of volumes by status; ``x`` and ``width`` in per cent."""

    look: str
    word: str
    count: int
    x: float
    width: float


@dataclass(frozen=True)
class Card:
    """One instance with its last boot; ``seen`` is "none" where it never reported."""

    instance: InstanceRow
    attachments: tuple[AttachmentRow, ...]
    created: str
    boot: Boot | None
    seen: str


@dataclass(frozen=True)
class Alarm:
    """Something that needs somebody."""

    what: str
    instance_id: str
    reason: str
    age: str


@dataclass(frozen=True)
class FrontView:
    """The front page. ``next_…`` is "" where nothing follows."""

    query: Query
    now: str
    amounts: Amounts
    broken: tuple[str, ...]
    parts: tuple[Part, ...]
    alarms: tuple[Alarm, ...]
    trouble_count: int
    cards: tuple[Card, ...]
    volumes: tuple[VolumeRow, ...]
    faults: Mapping[str, str]
    next_instances: str
    next_volumes: str
    elsewhere: str


@dataclass(frozen=True)
class SingleView:
    """The page of one instance."""

    query: Query
    now: str
    card: Card
    boots: tuple[Boot, ...]
    faults: Mapping[str, str]


def front(query: Query, found: Front, amounts: Amounts, health: Mapping[str, bool], now: datetime) -> FrontView:
    """The front page from what was read."""
    instances, volumes = found.instances[:INSTANCES], found.volumes[:VOLUMES]
    more_instances, more_volumes = len(found.instances) > INSTANCES, len(found.volumes) > VOLUMES
    return FrontView(
        query=query,
        now=now.strftime("%H:%M:%S UTC"),
        amounts=amounts,
        broken=tuple(name for name, works in health.items() if not works),
        parts=parts(amounts.volumes),
        alarms=tuple(_alarm(each, now) for each in found.trouble),
        trouble_count=found.trouble_count,
        cards=tuple(_card(each, found.attachments.get(each.id, ()), now) for each in instances),
        volumes=volumes,
        faults=found.faults,
        next_instances=query.link(fragment="#instances", instances_after=instances[-1].id) if more_instances else "",
        next_volumes=query.link(fragment="#volumes", volumes_after=volumes[-1].id) if more_volumes else "",
        elsewhere=found.elsewhere,
    )


def single(query: Query, found: Single, now: datetime) -> SingleView:
    """The page of one instance from what was read."""
    boots = (boot(each.body, each.received_at, now, most=ON_ITS_OWN) for each in found.reports)
    card = replace(_card(found.instance, found.attachments, now), boot=None)
    return SingleView(query, now.strftime("%H:%M:%S UTC"), card, tuple(each for each in boots if each), found.faults)


def parts(volumes: Mapping[str, int]) -> tuple[Part, ...]:
    """Volumes by status as one bar, the most frequent first."""
    whole, x, found = sum(volumes.values()), 0.0, []
    for word, count in sorted(volumes.items(), key=lambda each: (-each[1], each[0])):
        width = count / whole * 100
        found.append(Part(look_of(word), word, count, round(x, 3), round(width, 3)))
        x += width
    return tuple(found)


def look_of(word: str) -> str:
    """How a status of a volume or an attachment looks."""
    if word.startswith("error"):
        return "bad"
    return "well" if word == "attached" else LOOKS.get(word, "moving")


def status_of(row: VolumeRow) -> str:
    """The volume's status in Cinder's words."""
    return volume_word(row.lifecycle, row.attachment.status if row.attachment else "")


def instance_path(identifier: str) -> str:
    """The address of an instance's page, below the page's own. Ids may hold anything: Nova's are no concern of ours."""
    return f"/instances/{quote(identifier, safe='')}"


def _card(row: InstanceRow, attachments: Sequence[AttachmentRow], now: datetime) -> Card:
    found = boot(row.report, row.received_at, now, most=ON_A_CARD)
    return Card(row, tuple(attachments), words.clock(row.created_at), found, found.look if found else "none")


def _alarm(kept: Kept, now: datetime) -> Alarm:
    try:
        reason = headline(wire.from_wire(kept.body))
    except DocumentInvalid:
        reason = "Its report cannot be read."
    return Alarm(kept.instance, kept.instance_id, reason, words.ago(kept.received_at, now))


def steps() -> tuple[tuple[str, str], ...]:
    """The legend: class and word of every step."""
    return tuple(STEPS.items())
