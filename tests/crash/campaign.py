"""A campaign: every scenario recorded, every crash state of it tried, in a few worker processes.

One worker has a scenario as a whole: XFS and btrfs know their UUIDs across the machine, so two states of the same recording are
never mounted at the same time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue as queues
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash import private
from tests.crash.judge import CONVERGED, LOST, STUCK, Trial, Verdict, judge
from tests.crash.record import Recording, continued, discard, fresh, load_recording
from tests.crash.scenario import Scenario
from tests.crash.states import State
from tests.files.real import images

WORDS = {True: "yes", None: "unsaid", False: "no"}
WORST = (LOST, STUCK, CONVERGED)


@dataclass(frozen=True)
class Options:
    """``sample``: so many states a recording, 0 for all. ``deeper``: of so many states the run that finishes them is recorded
    too, and ``deeper_sample`` states of that are tried. ``keep``: where recordings and the images of bad states go, and where
    a recording is taken from if it is there."""

    seed: int = 0
    sample: int = 0
    deeper: int = 0
    deeper_sample: int = 0
    keep: Path | None = None


@dataclass(frozen=True)
class Tried:
    """How one state ended, at worst, over the words that the server might say. ``position`` is that in its own log,
    ``entry`` what was going on there."""

    scenario: str
    state: str
    position: int
    entry: str
    kind: str
    blank: str = ""
    reason: str = ""
    image: str = ""
    changed: bool = False

    @property
    def id(self) -> str:
        return f"{self.scenario}:{self.state}"

    @property
    def said(self) -> str:
        """The reason on one line."""
        return " ".join(self.reason.split())

    @property
    def sort(self) -> str:
        """The reason without what differs from state to state."""
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9A-F]{4}-[0-9A-F]{4}|\d+", "N", self.reason)[:150]


Tell = Callable[[Tried], None]


def words(scenario: Scenario, recording: Recording, state: State) -> list[bool | None]:
    """What the server may say of the volume at this moment: what it said to the recorded run; nothing where there is no server;
    not blank, once a run has reported the end of its work (which need not have arrived)."""
    used = recording.data_expected(state.position) or state.position >= recording.after("done")
    return list(dict.fromkeys((scenario.blank, None, *((False,) if used else ()))))


def try_state(scenario: Scenario, recording: Recording, state: State, name: str, options: Options, work: Path) -> Tried:
    """One state, with each word."""
    found: dict[bool | None, Verdict] = {}
    for blank in words(scenario, recording, state):
        found[blank] = judge(Trial(scenario, recording, state, blank), work, found.get(scenario.blank))
    blank, worst = min(found.items(), key=lambda each: WORST.index(each[1].kind))
    image = ""
    if worst.kind != CONVERGED and options.keep:
        file = options.keep / scenario.name / f"{name.replace('/', '+')}.img"
        state.image.save(file, recording.size)
        image = str(file)
    entry = recording.doing(state.position)
    changed = bool(found[scenario.blank].made)
    return Tried(scenario.name, name, state.position, entry, worst.kind, WORDS[blank], worst.reason, image, changed)


def chosen(states: Sequence[State], count: int, seed: str) -> list[State]:
    """All of them, or that many random ones in their order."""
    if not count or count >= len(states):
        return list(states)
    return [states[number] for number in sorted(random.Random(seed).sample(range(len(states)), count))]


def try_scenario(scenario: Scenario, options: Options, tell: Tell = lambda tried: None) -> list[Tried]:
    """Record it and try its states."""
    with _recorded(scenario, options) as (recording, work):
        states = recording.states(options.seed)
        tried = []
        for state in chosen(states, options.sample, f"{options.seed} {scenario.name}"):
            tried.append(try_state(scenario, recording, state, state.id, options, work))
            tell(tried[-1])
        by_id = {state.id: state for state in states}
        finished = [by_id[each.state] for each in tried if each.kind == CONVERGED and each.changed]
        for state in chosen(finished, options.deeper, f"deeper {options.seed}") if options.deeper else []:
            for each in _try_deeper(scenario, recording, state, options, work):
                tried.append(each)
                tell(each)
    return tried


def _try_deeper(scenario: Scenario, recording: Recording, state: State, options: Options, work: Path) -> Iterator[Tried]:
    """The power goes once more, during the run that finishes what the first cut left."""
    second = continued(scenario, work / "second", recording, state)
    try:
        for each in chosen(second.states(options.seed), options.deeper_sample, f"{options.seed} {state.id}"):
            yield try_state(scenario, second, each, f"{state.id}/{each.id}", options, work)
    finally:
        discard(work / "second")


def try_one(scenario: Scenario, name: str, options: Options) -> Tried:
    """A state by its id, to look at it again."""
    with _recorded(scenario, options) as (recording, work):
        first, _, rest = name.partition("/")
        state = _named(recording, first, options.seed)
        if rest:
            recording = continued(scenario, work / "second", recording, state)
            state = _named(recording, rest, options.seed)
        return try_state(scenario, recording, state, name, options, work)


def _named(recording: Recording, name: str, seed: int) -> State:
    found = {state.id: state for state in recording.states(seed)}
    if name not in found:
        raise SystemExit(f"there is no state {name} in this recording; some are {', '.join([*found][:12])}")
    return found[name]


@contextlib.contextmanager
def _recorded(scenario: Scenario, options: Options) -> Iterator[tuple[Recording, Path]]:
    """A recording, new or kept, and a folder to work in."""
    with images() as top:
        work = top / "work"
        work.mkdir()
        kept = options.keep / scenario.name / "recording" if options.keep else None
        if kept and (kept / "facts").exists():
            yield load_recording(kept), work
        else:
            recording = fresh(scenario, top / "recording")
            if kept:
                shutil.copytree(top / "recording", kept, ignore=shutil.ignore_patterns("disk", "root", "mount"))
            yield recording, work


_told: Any = None


def _start(queue: Any) -> None:
    """In each worker: its own mounts, its way to tell, and an end at which everything is undone, even if the parent is gone."""
    global _told
    _told = queue
    private.enter()
    private.end_with_parent()


def _work(scenario: Scenario, options: Options) -> list[Tried]:
    try:
        return try_scenario(scenario, options, _told.put)
    except KeyboardInterrupt:
        os._exit(1)  # all is undone; going on would mean to take the next scenario


def campaign(scenarios: Iterable[Scenario], options: Options, jobs: int, tell: Tell = lambda tried: None) -> list[Tried]:
    """All these scenarios. ``tell`` is called for each state as it is done."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(jobs, context, _start, (queue,)) as pool:
        biggest_first = sorted(scenarios, key=lambda scenario: -scenario.size)
        futures = [pool.submit(_work, scenario, options) for scenario in biggest_first]
        try:
            _pass_on(queue, futures, tell)
            return [tried for future in futures for tried in future.result()]
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()  # which has it undo everything
            pool.shutdown(cancel_futures=True)
            raise


def _pass_on(queue: Any, futures: list[Any], tell: Tell) -> None:
    while not all(future.done() for future in futures):
        for future in futures:
            if future.done():
                future.result()
        with contextlib.suppress(queues.Empty):
            while True:
                tell(queue.get(timeout=0.2))
