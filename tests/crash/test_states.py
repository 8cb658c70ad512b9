"""Which states a log has: nothing real."""

from __future__ import annotations

import random

import pytest

from tests.crash.image import Image
from tests.crash.log import Entry, Flush, Mark, Write, without_repeated_flushes, write_of
from tests.crash.states import Unit, cuts, moments, states, torn

A, B, C = (write_of(at * 512, letter * 512) for at, letter in enumerate((b"a", b"b", b"c")))
LONG = write_of(4096, b"12345678" * 512)


def contents(entries: list[Entry], base: Image | None = None) -> dict[str, bytes]:
    """What each state has in its first three sectors, a letter a sector."""
    found = {state.id: state.image for state in states(base or Image(), entries)}
    return {name: b"".join(image.read(at * 512, 1) for at in range(3)).replace(b"\0", b"-") for name, image in found.items()}


def test_every_prefix() -> None:
    assert set(contents([A, Flush(), B, Flush(), C, Flush()]).values()) == {b"---", b"a--", b"ab-", b"abc"}


def test_without_a_flush_any_part_may_be_missing() -> None:
    assert set(contents([A, B, C]).values()) >= {b"---", b"a--", b"ab-", b"abc", b"-b-", b"--c", b"a-c", b"-bc"}


def test_what_was_flushed_is_never_missing() -> None:
    found = contents([A, Flush(), B, C])
    assert {kept[:1] for name, kept in found.items() if not name.startswith(("0.", "1."))} == {b"a"}


def test_a_later_write_reaches_the_disk_alone() -> None:
    assert b"-b-" in contents([A, B, Flush()]).values()


def test_an_overwritten_sector_has_its_old_content_where_the_second_write_is_missing() -> None:
    second = write_of(0, b"z" * 512)
    assert set(contents([A, Flush(), second, Flush()]).values()) == {b"---", b"a--", b"z--"}
    assert set(contents([A, second, Flush()]).values()) == {b"---", b"a--", b"z--"}


def test_equal_states_are_tried_once_at_the_latest_moment() -> None:
    found = list(states(Image(), [A, Flush(), Mark("data"), Mark("end")]))
    assert [(state.position, state.image.read(0, 1)) for state in found] == [(1, b"\0"), (4, b"a")]


@pytest.mark.parametrize(("sector", "count"), [(512, 5), (2048, 2), (4096, 0)])
def test_a_write_is_torn_where_a_sector_ends(sector: int, count: int) -> None:
    parts = torn(LONG, Unit(sector), random.Random(0))
    assert len(parts) == count
    assert all(piece.size % sector == 0 and piece.at % sector == 0 for _, pieces in parts for piece in pieces)
    halves = dict(parts)
    if count:
        assert [(piece.at, piece.size) for how in ("head", "tail") for piece in halves[how]] == [(4096, 2048), (6144, 2048)]


def test_a_whole_range_is_not_torn() -> None:
    unit = Unit(whole=((4096 + 1024, 4096 + 3072),))
    assert unit.borders(LONG) == [512, 1024, 3072, 3584]
    assert torn(LONG, Unit(whole=((0, 1 << 20),)), random.Random(0)) == []


def test_whole_ranges_count_from_the_first_mount_on() -> None:
    def halves(*before: Entry) -> set[bytes]:
        unit = Unit(whole=((4096, 8192),))
        return {state.image.read(4096, 4096) for state in states(Image(), [*before, LONG], 0, unit)}

    assert halves(Mark("start", "mount -t ext4")) == {bytes(4096), LONG.data}
    assert len(halves(Mark("start", "mkfs.ext4"))) > 5


def test_zeros_are_written_torn_and_dropped_like_anything_else() -> None:
    base = Image().with_([A, B, C])
    zeros = Write(0, 1536)
    assert set(contents([zeros, Flush()], base).values()) >= {b"abc", b"---", b"-bc", b"ab-"}


def test_a_long_range_of_zeros_costs_nothing() -> None:
    image = Image().with_([A, LONG, Write(0, 1 << 40)])
    assert image.digest == Image().digest


def test_the_same_seed_gives_the_same_states() -> None:
    entries: list[Entry] = [A, B, C, LONG, Flush()]
    first, second, other = ({state.key for state in states(Image(), entries, seed)} for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_group_of_many_writes_is_sampled() -> None:
    many = [write_of(number * 512, bytes([1 + number % 255]) * 512) for number in range(200)]
    last = list(moments(many))[-1]
    assert len(list(cuts(last))) < 40


def test_each_state_goes_with_the_instance_s_files_of_its_moment() -> None:
    found = list(states(Image(), [Mark("tree", "0 0"), A, Flush(), Mark("tree", "1 0"), Mark("tree", "1 1"), B, Flush()]))
    assert {(state.image.read(512, 1), state.tree) for state in found if state.image.read(0, 1) == b"a"} == {
        (b"\0", 0), (b"\0", 1), (b"b", 1),
    }  # fmt: skip


def test_a_digest_is_that_of_the_content() -> None:
    assert Image().with_([A, B]).digest == Image().with_([B, write_of(0, b"x" * 512), A]).digest
    assert Image().with_([A]).digest != Image().with_([write_of(512, b"a" * 512)]).digest


def test_flushes_of_nothing_are_left_out() -> None:
    assert without_repeated_flushes([Flush(), A, Mark("x"), Flush(), Flush()]) == [A, Mark("x"), Flush()]
