"""`python -m testbed`: build a guest's image, boot a guest and watch its console, or show the whole thing at work, cut its power.

python -m testbed build [SUITE …]
python -m testbed boot [SUITE] [--seed FILE.iso] [--run COMMAND]
python -m testbed demo [SUITE]
python -m testbed campaign [--cuts 200] [--jobs N] [--suite trixie] [--seed N] [--json]
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from testbed import image
from testbed.guest import Guest
from testbed.packages import newest_packages
from testbed.seed import StaticSeed

_LOOK = 0.3


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; the exit code."""
    options = _parser().parse_args(arguments)
    if options.verb == "build":
        for suite in options.suites:
            print(image.build(suite, newest_packages()).root)
        return 0
    if options.verb == "demo":
        # Only here: it stands on the whole project, building and booting on nothing but the testbed.
        from testbed import demo

        return demo.main(options.suite)
    if options.verb == "campaign":
        from testbed.campaign import command

        return command.main(options)
    return _boot(options.suite, options.seed, options.run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", help="build the images of the suites")
    build.add_argument("suites", nargs="*", default=list(image.SUITES))
    boot = verbs.add_parser("boot", help="boot a guest, show its console until it is off or ctrl-C")
    boot.add_argument("suite", nargs="?", default="trixie")
    boot.add_argument("--seed", type=Path, help="a NoCloud image; default: a static one without volumes")
    boot.add_argument("--run", help="run this command once booted, show its output, shut down")
    demo = verbs.add_parser("demo", help="a server, volumes, and a guest that comes up with them mounted")
    demo.add_argument("suite", nargs="?", default="trixie")
    campaign = verbs.add_parser("campaign", help="power cuts at random times through first boots, and what becomes of the files")
    campaign.add_argument("--cuts", type=int, default=200, help="how many power cuts (default: 200)")
    campaign.add_argument("--jobs", type=int, default=1, metavar="N", help="how many guests at a time (default: 1)")
    campaign.add_argument("--suite", default="trixie", choices=image.SUITES)
    campaign.add_argument(
        "--seed",
        type=int,
        help="the same choice of cuts again: one that was stopped goes on (default: a new one)",
    )
    campaign.add_argument("--json", action="store_true", help="the cycles as one JSON document before the last line")
    return parser


def _boot(suite: str, seed: Path | None, command: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="testbed-") as folder:
        directory = Path(folder) / suite
        directory.mkdir()
        iso = seed or StaticSeed().write(directory / "seed.iso")
        with Guest(image.build(suite, newest_packages()), directory, seed_iso=iso) as guest:
            guest.start()
            with contextlib.suppress(KeyboardInterrupt):
                return _once(guest, command) if command else _watch(guest)
    return 0


def _once(guest: Guest, command: str) -> int:
    booted = guest.wait_booted()
    print(f"booted {booted.seconds:.1f} s after power-on", file=sys.stderr)
    completed = guest.run(command, check=False)
    print(completed.stdout, end="")
    print(completed.stderr, end="", file=sys.stderr)
    guest.shutdown()
    return completed.code


def _watch(guest: Guest) -> int:
    shown = 0
    while guest.running:
        text = guest.console
        print(text[shown:], end="", flush=True)
        shown = len(text)
        time.sleep(_LOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
