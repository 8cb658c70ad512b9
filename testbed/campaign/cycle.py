"""One guest's life: switched on with new volumes, cut off a few times, and left alone in the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from testbed.campaign import cut, witness
from testbed.campaign.cut import Aim, Cut, End, Fallen, Phase, Window, Windows
from testbed.campaign.layout import Layout
from testbed.campaign.watch import INSTANCE, Watch
from testbed.campaign.witness import Memory
from testbed.guest import Guest, GuestCommandFailed, GuestFailed
from testbed.image import Image
from testbed.initrd import File
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer

_STATUS = "/run/blockstore/status.json"
# From power-on until a boot must have come to where it is going to be cut, and until it must be over.
_EVENT, _BOOT = 150.0, 300.0
# An emulator lets a guest's kernel die now and then, whatever it is doing. That is a power cut, which nobody planned.
_PANIC, _PANICS = "Kernel panic - not syncing", 2
_DATASOURCE: dict[str, bytes | File] = {"/etc/cloud/cloud.cfg.d/99_testbed.cfg": b"datasource_list: [ BlockStore, None ]\n"}

Told = Callable[[str], None]


@dataclass
class Story:
    """What became of a cycle. ``panics``: how often the guest's kernel died by itself, which counts as no cut."""

    end: End = End.STUCK
    cuts: list[Fallen] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
    panics: int = 0

    def to_wire(self) -> dict[str, Any]:
        """As JSON has it."""
        made = [
            {"aim": each.cut.aim.value, "part": each.cut.part, "at": round(each.after, 2), "fell_into": each.phase.value}
            for each in self.cuts
        ]
        return {
            "end": self.end.value, "reasons": self.reasons, "cuts": made,
            "seconds": round(self.seconds, 1), "panics": self.panics,
        }  # fmt: skip

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Story:
        """What `to_wire` gave."""
        cuts = [Fallen(Cut(Aim(each["aim"]), each["part"]), each["at"], Phase(each["fell_into"])) for each in wire["cuts"]]
        return cls(End(wire["end"]), cuts, list(wire["reasons"]), wire["seconds"], wire.get("panics", 0))


class Cycle:
    """A server, its volumes and a guest in a folder of their own; everything that a failure left is in there afterwards."""

    def __init__(self, image: Image, folder: Path, layout: Layout, windows: Windows, told: Told = lambda _: None) -> None:
        self._image, self._folder, self._layout, self._windows, self._told = image, folder, layout, windows, told
        self._memory, self._power_ons, self._story = Memory(), 0, Story()
        self._ends = ExitStack()
        self._vanished: list[str] = []  # no loss, but nothing that a user would want
        self._wrong: list[str] = []  # of what a guest that was left alone has come to

    def run(self, cuts: Sequence[Cut]) -> Story:
        """Live through these cuts, and see what is left in the end."""
        with LocalServer(self._folder / "state") as server:
            self._prepare(server)
            with self._guest(server) as guest:
                try:
                    for each in cuts:
                        self._cut(guest, each)
                    self._settle(guest)
                except (GuestFailed, GuestCommandFailed) as error:
                    self._story.reasons.append(str(error).splitlines()[0])
                self._conclude(guest)
        return self._story

    def abandon(self) -> None:
        """From another thread: its server must not outlive us. (Guests end with the process that started them.)"""
        self._ends.close()

    def learn(self) -> tuple[Windows, Story]:
        """A first boot and a later one that come up in full; when what happens in each. The power is cut once, in between."""
        with LocalServer(self._folder / "state") as server:
            self._prepare(server)
            with self._guest(server) as guest:
                first = self._switch_on(guest).window(_BOOT)
                guest.wait_booted(_BOOT)
                self._fall(guest, Cut(Aim.USE, 1.0))
                again = self._settle(guest)
                self._conclude(guest)
        if first is None or again is None:
            raise GuestFailed(f"the volumes of a guest that nobody cut off did not come up: see {self._folder}")
        return Windows(first, again), self._story

    def _prepare(self, server: LocalServer) -> None:
        server.create_instance(INSTANCE, user_data=self._layout.user_data, network_config=yaml.safe_dump(STATIC_NETWORK))
        made = [server.create_volume(name)["id"] for name in self._layout.wishes]
        for volume in made:
            server.attach(volume, INSTANCE)
        server.seed(INSTANCE, self._folder / "seed.iso")
        self._ends.callback(server.stop)
        self._server, self._volumes = server, [server.volume_file(volume) for volume in made]
        self._begun = time.monotonic()

    def _guest(self, server: LocalServer) -> Guest:
        return Guest(self._image, self._folder / "guest", seed_iso=self._folder / "seed.iso")

    def _switch_on(self, guest: Guest) -> Watch:
        self._power_ons += 1
        watch = Watch(guest, self._server, self._volumes, self._layout.mounts)
        # All of them each time: a cut in the first second takes with it what was laid onto the disk.
        guest.start(_DATASOURCE | witness.injected() | witness.numbered(self._power_ons))
        self._watch = watch
        return watch

    def _cut(self, guest: Guest, each: Cut) -> None:
        window = self._windows.first if self._power_ons == 0 else self._windows.again
        watch = self._switch_on(guest)
        self._told(f"power-on {self._power_ons}: a cut {each.aim.value}")
        if watch.wait(each.aim, _EVENT):
            time.sleep(each.delay(window))
        self._fall(guest, each)

    def _fall(self, guest: Guest, each: Cut) -> None:
        watch = self._watch
        fell = cut.phase(
            sessions=watch.happened(Aim.LOGIN), written=watch.happened(Aim.FORMAT), mounted=watch.happened(Aim.USE),
            used_before=self._memory.used(self._layout.mounts),
        )  # fmt: skip
        after = watch.seconds
        self._off(guest)
        self._story.cuts.append(Fallen(each, after, fell))

    def _off(self, guest: Guest) -> None:
        guest.power_cut()
        self._remember(guest)
        # The target must have noticed that the initiator is gone: the next power-on's sessions are told by their number.
        self._server.wait_no_sessions()

    def _remember(self, guest: Guest) -> None:
        said = witness.heard(guest.boot_console)
        lost = [each for each in self._memory.contradictions(said) if each not in self._story.reasons]
        if lost:
            self._story.reasons += lost
            self._story.end = End.LOST
        self._memory.add(said)
        self._vanished += said.failed

    def _settle(self, guest: Guest) -> Window | None:
        """The last boot, and a look at what it has come to."""
        while True:
            try:
                window = self._last_boot(guest)
                self._wrong = self._faults(guest)
                return window
            except (GuestFailed, GuestCommandFailed):
                if not self._panicked(guest):
                    raise
                self._off(guest)

    def _panicked(self, guest: Guest) -> bool:
        """Whether it is to be switched on again."""
        died = not guest.running and _PANIC in guest.boot_console
        self._story.panics += died
        return died and self._story.panics <= _PANICS

    def _last_boot(self, guest: Guest) -> Window | None:
        watch = self._switch_on(guest)
        self._told(f"power-on {self._power_ons}: until all is well")
        window = watch.window(_EVENT)
        if window is None:
            guest.wait_booted(_BOOT)
        else:  # the rest of cloud-init is not waited for
            guest.run(f"until [ -e {_STATUS} ]; do sleep 0.2; done")
        return window

    def _conclude(self, guest: Guest) -> None:
        """The verdict; a guest that is not well leaves its files behind."""
        self._remember(guest)
        story = self._story
        if not story.reasons:
            story.reasons += self._vanished + self._wrong
            story.end = End.STUCK if story.reasons else End.CONVERGED
        story.seconds = time.monotonic() - self._begun
        if story.end is not End.CONVERGED:
            self._keep_evidence(guest)
        guest.power_cut()

    def _faults(self, guest: Guest) -> list[str]:
        """Why this guest's volumes are not all as they should be; [] where they are."""
        report = json.loads(guest.read(_STATUS))
        bad = [f"{each['name']}: {each['result']}: {each['reason']}" for each in report["volumes"] if each["result"] != "ok"]
        bad += report.get("faults", [])
        missing = sorted(set(self._layout.wishes) - {each["name"] for each in report["volumes"]})
        bad += [f"{name}: not in the report" for name in missing]
        kept = witness.heard(guest.boot_console).kept
        for place, kind in self._layout.mounts.items():
            seen = guest.run(["findmnt", "-n", "-o", "FSTYPE", "--mountpoint", place], check=False).stdout.strip()
            if seen != kind:
                bad.append(f"{place}: {seen or 'nothing'} is mounted there, wished was {kind}")
            elif place not in kept:
                bad.append(f"{place}: no file could be written")
        swaps = guest.run("swapon --show=NAME --noheadings").stdout.split()
        if len(swaps) != self._layout.swaps:
            bad.append(f"{len(swaps)} swap devices are active, wished were {self._layout.swaps}")
        return bad or self._second_run(guest)

    def _second_run(self, guest: Guest) -> list[str]:
        done = guest.run("blockstore apply --json", check=False, timeout=240)
        if done.code != 0:
            return [f"a further `blockstore apply` ended with {done.code}: {done.stderr.strip()}"]
        changed = [each["name"] for each in json.loads(done.stdout)["volumes"] if each["changed"]]
        return [f"a further `blockstore apply` changed {', '.join(changed)}"] if changed else []

    def _keep_evidence(self, guest: Guest) -> None:
        (self._folder / "story.json").write_text(json.dumps(self._story.to_wire(), indent=1) + "\n")
        (self._folder / "disk.qcow2").hardlink_to(self._folder / "guest/disk.qcow2")
        if not guest.running:
            return
        try:
            for path, content in guest.collect().items():
                target = self._folder / "collected" / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except (GuestFailed, GuestCommandFailed) as error:
            (self._folder / "collected.failed").write_text(str(error))
