"""The plot of docs/benchmarks.md: what each answers in a second, over the number of connections, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes

from benchmarks.service.measure import Contender, Task
from benchmarks.service.samples import Samples

PANELS = (
    ("metadata", (Task.FIRST_FETCH, Task.REPEAT_FETCH, Task.CONSTANT)), ("attachment show", (Task.SHOW,)),
    ("whole cycle", (Task.CYCLE,)),
)  # fmt: skip
LEFT_OUT = (Contender.SMALL, Contender.LARGE)
SHORT = {Task.FIRST_FETCH: ", first", Task.REPEAT_FETCH: ", again"}


def write(samples: Samples, path: Path) -> None:
    """Write it; the same samples give the same file."""
    mpl.rcParams["svg.hashsalt"] = "blockstore"
    figure, panels = pyplot.subplots(1, len(PANELS), figsize=(12, 4.2))
    for axes, (title, tasks) in zip(panels, PANELS, strict=True):
        for contender in (each for each in Contender if each not in LEFT_OUT):
            for task in tasks:
                _line(axes, samples, contender, task)
        axes.set(xscale="log", yscale="log", xlabel="connections", ylabel="a second", title=title)
        axes.set_xticks(samples.connections, [str(count) for count in samples.connections])
        axes.legend(fontsize=7)
        axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})


def _line(axes: Axes, samples: Samples, contender: Contender, task: Task) -> None:
    rates = [(count, samples.rate(contender, task, count)) for count in samples.connections]
    there = [(count, rate) for count, rate in rates if rate]
    if not there:
        return
    around = [[rate.median - rate.least for _, rate in there], [rate.most - rate.median for _, rate in there]]
    style: dict[str, Any] = {"color": "black", "linewidth": 2.5} if contender is Contender.OURS else {}
    line = "--" if task is Task.REPEAT_FETCH else "-"
    axes.errorbar(
        [count for count, _ in there], [rate.median for _, rate in there], around, linestyle=line,
        label=f"{contender.value.partition(',')[0]}{SHORT.get(task, '')}", marker="o", markersize=3, capsize=3, **style,
    )  # fmt: skip
