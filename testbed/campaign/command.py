"""All cycles, a few at a time: progress, a table, and the count as the last line."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import signal
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from testbed import image
from testbed.campaign import cut, kept
from testbed.campaign.cut import Cut, End, Phase, Tally, Windows
from testbed.campaign.cycle import Cycle, Story
from testbed.campaign.kept import Kept
from testbed.campaign.layout import layout
from testbed.image import Image
from testbed.packages import newest_packages

_REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = _REPOSITORY / "build/campaign"
LEARNED = "learned"
_COLOUR = {End.CONVERGED: "green", End.STUCK: "yellow", End.LOST: "red"}


def main(options: argparse.Namespace) -> int:
    """Run it; 0 where every cut has converged."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    # Progress on standard error: standard output is the result.
    campaign = Campaign(image.build(options.suite, newest_packages()), FOLDER / f"{options.suite}-{seed}", Console(stderr=True))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops it still hears the count
    campaign.told(f"{options.cuts} power cuts, {options.suite}, --seed {seed}; what fails stays in {campaign.folder}")
    try:
        campaign.run(options.cuts, options.jobs, random.Random(seed))
    except KeyboardInterrupt:
        campaign.told(f"stopped: the cycles that were under way do not count; --seed {seed} goes on")
    if options.json:
        print(json.dumps(campaign.to_wire()))
    else:
        Console().print(campaign.table())
    print(campaign.tally)
    return 0 if campaign.tally.of() == campaign.tally.of(End.CONVERGED) >= options.cuts else 1


class Campaign:
    """The cycles of one image."""

    def __init__(self, image: Image, folder: Path, console: Console) -> None:
        self._image, self.folder, self._console = image, folder, console
        self.tally, self._stories, self._alive = Tally(), dict[str, Story](), dict[str, Cycle]()

    def told(self, text: str) -> None:
        """A line for who is watching."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def run(self, cuts: int, jobs: int, chance: random.Random) -> None:
        """Learn when what happens in a boot, then cut: ``jobs`` guests at a time. What an earlier run of it made counts."""
        with self._progress() as progress:
            made = progress.add_task("power cuts", total=cuts)
            windows = self._went_on(progress, made) or self._learned(progress, made)
            self.told(f"first boot: {windows.first}; later: {windows.again}")
            plans = enumerate(cut.cycles(cuts - len(self._stories[LEARNED].cuts), chance), 1)

            def life(numbered: tuple[int, tuple[Cut, ...]]) -> tuple[str, Story]:
                return self._life(*numbered, windows, progress)

            # First the pool ends, so that nobody takes the next cycle when his own is abandoned. Its threads do not hold up the
            # end of the process; their guests end with that, and their servers are told to.
            with self._none_left(), ThreadPool(jobs) as pool:
                left = [each for each in plans if _name(each[0]) not in self._stories]
                for name, story in pool.imap_unordered(life, left):
                    self._over(name, story, progress, made)
                    kept.write(self.folder, Kept(self._version, windows, self._stories))

    def _went_on(self, progress: Progress, made: TaskID) -> Windows | None:
        """With what this campaign has come to before, of the same image."""
        found = kept.read(self.folder, self._version)
        if found is None:
            return None
        for name, story in found.stories.items():
            self._count(name, story, progress, made)
        self.told(f"going on: {self.tally.of()} cuts were made before")
        return found.windows

    def _learned(self, progress: Progress, made: TaskID) -> Windows:
        """With a new folder, and a boot that nobody cuts off."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        windows, story = Cycle(self._image, self._of(LEARNED), layout(0), Windows.guessed(8)).learn()
        self._over(LEARNED, story, progress, made)
        kept.write(self.folder, Kept(self._version, windows, self._stories))
        return windows

    @property
    def _version(self) -> str:
        return self._image.root.parent.name

    def _life(self, number: int, plan: tuple[Cut, ...], windows: Windows, progress: Progress) -> tuple[str, Story]:
        name = _name(number)
        row = progress.add_task(name, total=len(plan) + 1)

        def told(what: str) -> None:
            progress.update(row, description=f"{name}, {what}", advance=1)

        cycle = self._alive[name] = Cycle(self._image, self._of(name), layout(number), windows, told)
        try:
            return name, cycle.run(plan)
        finally:
            del self._alive[name]
            progress.remove_task(row)

    @contextlib.contextmanager
    def _none_left(self) -> Iterator[None]:
        try:
            yield
        finally:
            for each in list(self._alive.values()):
                each.abandon()

    def _of(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)  # of a cycle that was stopped
        folder.mkdir()
        return folder

    def _over(self, name: str, story: Story, progress: Progress, task: TaskID) -> None:
        self._count(name, story, progress, task)
        made = ", ".join(f"{each.after:.1f} s ({each.phase.value})" for each in story.cuts)
        made += f", and {story.panics} times its kernel died" if story.panics else ""
        self.told(f"{name}: [{_COLOUR[story.end]}]{story.end.value}[/] after cuts at {made}; {story.seconds:.0f} s")
        for reason in story.reasons:
            self._console.print(f"    {reason}", highlight=False, markup=False, soft_wrap=True)
        if story.end is End.CONVERGED:
            shutil.rmtree(self.folder / name)

    def _count(self, name: str, story: Story, progress: Progress, task: TaskID) -> None:
        self.tally.add(story.cuts, story.end)
        self._stories[name] = story
        progress.update(task, advance=len(story.cuts))

    def _progress(self) -> Progress:
        columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        return Progress(TextColumn("{task.description}"), *columns, console=self._console)

    def table(self) -> Table:
        """How many cuts fell into what, and what became of them."""
        table = Table(title="power cuts by what they fell into", title_justify="left")
        for column in ("fell into", "made", *(end.value for end in End)):
            table.add_column(column, justify="left" if column == "fell into" else "right")
        for phase in Phase:
            table.add_row(phase.value, str(self.tally.of(phase=phase)), *(str(self.tally.of(end, phase)) for end in End))
        return table

    def to_wire(self) -> dict[str, Any]:
        """As JSON has it."""
        ends = {end.name.lower(): self.tally.of(end) for end in End}
        return {"made": self.tally.of(), **ends, "cycles": {name: story.to_wire() for name, story in self._stories.items()}}


def _name(number: int) -> str:
    return f"cycle-{number:03}"
