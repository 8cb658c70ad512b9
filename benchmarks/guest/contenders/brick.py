"""os-brick from PyPI: a Python script of a user of the library, started as such a script is."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

from job import Job

HERE = Path(__file__).resolve().parent.parent
WISHES = Path("/run/benchmark/brick.json")


def prepare(job: Job) -> None:
    """What the script is to connect."""
    WISHES.parent.mkdir(exist_ok=True)
    WISHES.write_text(json.dumps([asdict(volume) for volume in job.volumes]))


def bring_up(job: Job) -> None:
    """Run the script."""
    environment = {**os.environ, "PYTHONPATH": f"{HERE / 'os-brick'}:{HERE}"}
    argv = ["/usr/bin/python3", str(HERE / "scripts/connect_with_os_brick.py"), str(WISHES)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
