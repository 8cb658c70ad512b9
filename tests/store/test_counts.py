"""Amounts, counted by the database: the same as counting one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.attachment import Attachment, wanted
from metadata_server.domain.states import Lifecycle
from metadata_server.domain.volume import Volume
from metadata_server.store import Store

PLAIN = Attachment("", "", "i", Status.RESERVED, "rw", False, "t")
INSIDE = replace(PLAIN, connector=Connector("iqn.2018-12.com.x:i", ip="10.0.0.1"))
KINDS = [(lifecycle, status) for lifecycle in Lifecycle for status in (*Status, None)]


def test_volumes_are_counted_by_lifecycle_and_attachment(store: Store) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    with store.begin() as transaction:
        for number, (lifecycle, status) in enumerate([*KINDS, *KINDS[:5], (Lifecycle.READY, Status.ATTACHED)]):
            volume = f"v{number}"
            transaction.volumes.add(Volume(volume, "x", 1, "t", "t", lifecycle=lifecycle, volume_type="a" if number % 2 else "b"))
            if status is not None:
                transaction.attachments.add(replace(PLAIN, id=f"a{number}", volume_id=volume, status=status))
            expected[lifecycle.value, status.value if status else ""] += 1
    with store.read() as transaction:
        counts = transaction.counts
        assert counts.volumes(counts.attachments()) == expected
        assert sum(counts.volume_types().values()) == sum(expected.values())
        assert counts.snapshots() == {}


def test_what_is_to_be_exported_is_counted_as_the_domain_says(store: Store) -> None:
    chap = Chap("name", Secret("s"))
    each = [PLAIN, INSIDE, replace(INSIDE, chap=chap), replace(INSIDE, chap=replace(chap, username="other"), released=True)]
    with store.begin() as transaction:
        for number, attachment in enumerate(each):
            transaction.volumes.add(Volume(f"v{number}", "x", 1, "t", "t", volume_type="a"))
            transaction.attachments.add(replace(attachment, id=f"a{number}", volume_id=f"v{number}"))
    with store.read() as transaction:
        assert transaction.counts.exports() == sum(wanted(attachment) for attachment in each) == 1
