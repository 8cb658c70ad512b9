"""One measurement, in a process like that of cloud-init's config stage: cloud-init is loaded, then the contender comes.

    stage.py measure <job.json      one JSON object a repetition, in a list
    stage.py reset | rest

Every repetition is a fork of its own, so that whatever the contender imports is imported anew and counts.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import machine
from job import Job
from processes import Watch


def main(verb: str) -> int:
    """Do it; the result is a line on standard output."""
    if verb in ("reset", "rest"):
        getattr(machine, verb)()
        return 0
    job = Job.read(json.load(sys.stdin))
    _load_cloud_init()
    contender = importlib.import_module(f"contenders.{job.contender}")
    contender.prepare(job)
    watch = Watch()
    print(json.dumps([_measured(contender, job, watch) for _ in range(job.times)]))
    return 0


def _load_cloud_init() -> None:
    """What `cloud-init modules --mode=config` has loaded when the first module's turn comes."""
    for name in ("cloudinit.cmd.main", "cloudinit.config.modules", "cloudinit.url_helper", "cloudinit.templater"):
        importlib.import_module(name)


def _measured(contender: ModuleType, job: Job, watch: Watch) -> Mapping[str, Any]:
    answers, answer = os.pipe()
    watch.of(0)  # what was before does not count
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        os.write(answer, json.dumps(_timed(contender, job)).encode())
        os._exit(0)
    os.close(answer)
    with os.fdopen(answers) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    started = watch.of(pid)
    told = json.loads(said) if said else {"seconds": 0.0, "error": "the contender ended without a word"}
    wrong = told["error"] or machine.problem(job.volumes)
    return {**told, "error": wrong, "processes": started.own, "machine_processes": started.machine}


def _timed(contender: ModuleType, job: Job) -> Mapping[str, Any]:
    begun = time.monotonic()
    try:
        contender.bring_up(job)
    except Exception:
        return {"seconds": time.monotonic() - begun, "error": traceback.format_exc()[-2000:], "detail": {}}
    seconds = time.monotonic() - begun
    return {"seconds": seconds, "error": "", "detail": contender.detail(seconds) if hasattr(contender, "detail") else {}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
