"""Cinder hangs, dies and comes back; our server is killed between its steps. Nothing is lost, nothing is left over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from blockstore.errors import BlockstoreError
from blockstore.waiting import Deadline, wait_for
from testbed.cinder import LocalCinder
from testbed.server import LocalServer
from tests.cinder import dying
from tests.cinder.conftest import CONFIGURATION, TIMEOUT, Scene
from tests.target import initiator

QUICK = 3


@contextmanager
def hanging(cinder: LocalCinder) -> Iterator[None]:
    """It takes connections (the kernel does) and answers nothing."""
    os.kill(cinder.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cinder.pid, signal.SIGCONT)


def test_a_cinder_that_hangs_costs_who_needs_it_a_bounded_time_and_the_others_nothing(scene: Scene) -> None:
    guest, other = scene.guest(), scene.guest()
    _, attachment = scene.attached(guest)
    guest.login(attachment)
    with hanging(scene.cinder), ThreadPoolExecutor(21) as pool:
        began = time.monotonic()
        asked = [pool.submit(guest.ask, "GET", "attachments") for _ in range(20)]
        asked += [pool.submit(guest.connect, attachment)]
        quick = []
        while not all(each.done() for each in asked):
            before = time.monotonic()
            assert other.ask("GET", "meta-data").status_code == 200
            assert other.ask("GET", "attachments").json() == {"attachments": []}
            quick.append(time.monotonic() - before)
            time.sleep(0.2)
        assert {each.result().status_code for each in asked} == {503}
        assert time.monotonic() - began < TIMEOUT + 10
        assert sorted(quick)[len(quick) // 2] < 1, quick
    wait_for("it to answer", lambda: guest.ask("GET", "attachments").status_code == 200 or None, Deadline.after(30))


def test_a_cinder_that_is_gone_is_503_and_all_goes_on_when_it_is_back(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    scene.cinder.stop()
    try:
        answer = guest.ask("GET", "attachments")
        assert (answer.status_code, list(answer.json())) == (503, ["serviceUnavailable"])
        assert "Cinder does not answer" in answer.text
        assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 503
        assert guest.ask("GET", "vendor-data").status_code == 200
        health = requests.get(f"{scene.server.instance_url}/healthz", timeout=5)
        assert health.status_code == 503, health.text
        # Its exports are there without it.
        assert initiator.inquiry(login).ok
    finally:
        scene.cinder.start()
    # The release that was asked for is carried out.
    wait_for("the release", lambda: scene.status(volume) == "available" or None, Deadline.after(60))
    assert guest.listed() == []
    assert not initiator.inquiry(login).ok


class TestKilled:
    """SIGKILL just before a step; then a new start."""

    @pytest.fixture
    def scene(self, cinder: LocalCinder, tmp_path: Path) -> Iterator[Scene]:
        file = tmp_path / "server.toml"
        file.write_text(CONFIGURATION.format(url=cinder.url).replace(f"timeout = {TIMEOUT}", f"timeout = {QUICK}"))
        options, program = ("--config", str(file)), ("-m", "tests.cinder.dying")
        with LocalServer(tmp_path / "state", advertised_host="", options=options, program=program) as server:
            yield Scene(server, cinder)

    def die(self, scene: Scene, step: str, ask: Callable[[], object]) -> None:
        dying.at(scene.server.state).write_text(step)
        with pytest.raises((requests.ConnectionError, BlockstoreError)):
            ask()
        assert scene.server.wait(10) == -signal.SIGKILL
        scene.server.start()

    def test_a_reservation_that_nobody_was_told_of_is_taken_back(self, scene: Scene) -> None:
        guest, volume = scene.guest(), scene.volume()
        for step in ("passed: reserve in Cinder", "passed: record attachment"):
            self.die(scene, step, lambda: scene.server.attach(volume, guest.id))
            assert guest.listed() == []
            wait_for("the reservation to go", lambda: self.attach(scene, volume, guest.id), Deadline.after(60))
            scene.server.detach(volume)
            assert scene.status(volume) == "available"
        left = scene.cinder.ask("GET", f"/attachments?volume_id={volume}").json()["attachments"]
        assert left == []

    def attach(self, scene: Scene, volume: str, instance: str) -> bool | None:
        try:
            scene.server.attach(volume, instance)
        except BlockstoreError:
            return None
        return True

    def test_every_later_step_can_be_asked_for_again(self, scene: Scene) -> None:
        guest = scene.guest()
        volume, attachment = scene.attached(guest)
        self.die(scene, "passed: connect in Cinder", lambda: guest.connect(attachment))
        login = guest.login(attachment)
        assert initiator.inquiry(login).ok
        action = f"attachments/{attachment}/action"
        self.die(scene, "passed: complete in Cinder", lambda: guest.ask("POST", action, {"os-complete": {}}))
        assert [each["status"] for each in guest.listed()] == ["attaching"]
        guest.complete(attachment)
        assert scene.status(volume) == "in-use"
        self.die(scene, "passed: delete in Cinder", lambda: guest.ask("DELETE", f"attachments/{attachment}"))
        wait_for("the release", lambda: scene.status(volume) == "available" or None, Deadline.after(60))
        wait_for("the row to go", lambda: guest.listed() == [] or None, Deadline.after(30))
        assert not initiator.inquiry(login).ok
        # What was completed may have been written to.
        scene.server.attach(volume, guest.id)
        assert [each["volume"]["blank"] for each in guest.listed()] == [False]
