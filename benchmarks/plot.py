"""The plot of docs/benchmarks.md: time of a first use against the number of volumes, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.measure import FIRST_USE, Contender, Use
from benchmarks.ratios import Samples

STYLES: Mapping[Contender, Mapping[str, Any]] = {
    Contender.OURS: {"linewidth": 2.5, "color": "black"},
    Contender.FLOOR: {"linestyle": "--", "color": "grey"},
}


def write(samples: Samples, path: Path) -> None:
    """Write it; the same samples give the same file."""
    mpl.rcParams["svg.hashsalt"] = "blockstore"
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for contender in FIRST_USE:
        spreads = [(count, samples.spread(contender, Use.FIRST, count)) for count in samples.counts]
        there = [(count, spread) for count, spread in spreads if spread]
        if there:
            medians = [spread.median for _, spread in there]
            around = [[spread.median - spread.least for _, spread in there], [spread.most - spread.median for _, spread in there]]
            axes.errorbar(
                [count for count, _ in there], medians, around, label=contender.words, marker="o", markersize=3, capsize=3,
                **STYLES.get(contender, {}),
            )  # fmt: skip
    axes.set(
        xscale="log", yscale="log", xlabel="volumes", ylabel="seconds (emulated guest)", title="First use: until all are mounted"
    )
    axes.set_xticks(samples.counts, [str(count) for count in samples.counts])
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
