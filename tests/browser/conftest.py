"""A real server with instances that reported, and a real browser (Debian's chromium) that looks at its page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from blockstore.report import FilesystemReport, Report, Result, StepReport, VolumeReport
from testbed.server import LocalServer
from tests.target.conftest import Guest

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip
TELEPHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
HOSTILE = "<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'>\u202egnp.exe"
STEPS = ("login", "device", "partition", "filesystem", "mount")
Browse = Callable[..., "Browser"]


def took(*milliseconds: int, start: int = 40, changed: bool = True) -> tuple[StepReport, ...]:
    """Steps one after another, each as long as is said."""
    begins = [start + sum(milliseconds[:index]) for index in range(len(milliseconds))]
    return tuple(StepReport(step, changed, begin, ms) for step, begin, ms in zip(STEPS, begins, milliseconds))


def came_up(identifier: str, name: str, steps: tuple[StepReport, ...], mount: str, kind: str = "ext4") -> VolumeReport:
    """A volume that is mounted."""
    carried = (FilesystemReport("/dev/sda1", kind, "2f0e9d7c", name, mount),)
    return VolumeReport(identifier, name, Result.OK, True, "", "/dev/sda", identifier, carried, steps)


class Stage:
    """What the browser finds: web-1 is well, and has booted twice; db-1 has trouble; new-1 never reported."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.web, self.db, self.new = (Guest(server, server.create_instance(name)) for name in ("web-1", "db-1", "new-1"))
        self.data, self.logs = self.attached("data", self.web), self.attached("logs", self.web)
        self.big, self.hostile = self.attached("big", self.db), self.attached(HOSTILE, self.db)
        self.spare = str(server.create_volume("spare", 5)["id"])
        self.tell(self.web, self.first_boot)
        self.tell(self.web, self.second_boot)
        self.tell(self.db, self.trouble)

    def attached(self, name: str, guest: Guest) -> str:
        """A volume that this guest uses."""
        volume = str(self.server.create_volume(name)["id"])
        attachment = str(self.server.attach(volume, guest.id)["id"])
        assert guest.connect(attachment).status_code == 200
        guest.complete(attachment)
        return volume

    def tell(self, guest: Guest, report: Report) -> None:
        """PUT the report."""
        answer = guest.ask("PUT", "report", replace(report, instance_id=guest.id).to_wire())
        assert answer.status_code == 204, answer.text

    @property
    def first_boot(self) -> Report:
        """Everything had to be made."""
        volumes = (
            came_up(self.data, "data", took(92, 41, 63, 310, 35), "/srv/data"),
            came_up(self.logs, "logs", took(92, 60, 0, 540, 48), "/srv/logs", "xfs"),
        )
        return Report("", "", "2026-11-22T10:00:00.000+00:00", 850, volumes, uptime_ms=14270)

    @property
    def second_boot(self) -> Report:
        """Nothing had to be made."""
        volumes = (
            came_up(self.data, "data", took(88, 30, 9, 12, 30, changed=False), "/srv/data"),
            came_up(self.logs, "logs", took(88, 35, 0, 14, 41, changed=False), "/srv/logs", "xfs"),
        )
        return Report("", "", "2026-11-22T11:00:00.000+00:00", 266, volumes, uptime_ms=9800)

    @property
    def trouble(self) -> Report:
        """One volume is refused, one is silent, and its name wants to be a script."""
        reason = "size: wanted 2048 MiB, found 1024 MiB; overwrite was not requested"
        volumes = (
            VolumeReport(self.big, "big", Result.REFUSED, reason=reason, device="/dev/sda", steps=took(110, 44, 21)),
            VolumeReport(
                self.hostile, HOSTILE, Result.FAILED, reason=f"no answer from 10.0.0.1:3260 {HOSTILE}", steps=took(4800)
            ),
        )
        return Report("", "", "2026-11-22T12:00:00.000+00:00", 5100, volumes, notes=("the clock was set",), uptime_ms=12100)


class Browser:
    """One browser with a profile of its own."""

    def __init__(self, server: LocalServer, profile: Path, *, script: bool) -> None:
        self.server = server
        options = Options()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def quit(self) -> None:
        """End it."""
        self.driver.quit()

    def get(self, path: str = "") -> None:
        """Open an address of the page."""
        self.driver.get(f"{self.server.operator_url}/overview{path}")

    def log_in(self, token: str | None = None) -> None:
        """Fill in the form."""
        self.driver.find_element(By.ID, "token").send_keys(self.server.token if token is None else token)
        self.press("main button[type=submit]")

    def follow(self, text: str) -> None:
        """Click a link."""
        self._leave(self.driver.find_element(By.LINK_TEXT, text))

    def press(self, selector: str) -> None:
        """Click a button that sends a form."""
        self._leave(self.driver.find_element(By.CSS_SELECTOR, selector))

    def _leave(self, element: WebElement) -> None:
        """Click, and wait for another page: a busy browser may still show this one when the click returns.

        Asked by loader id: to ask an element of the old page whether it is stale fails in the driver while pages change places.
        """
        before = self._loader()
        element.click()
        WebDriverWait(self.driver, 30).until(lambda _: self._loader() != before)

    def _loader(self) -> str:
        """Which load of a page this is."""
        tree: dict[str, Any] = self.driver.execute_cdp_cmd("Page.getFrameTree", {})
        return str(tree["frameTree"]["frame"]["loaderId"])

    def text(self, selector: str = "main") -> str:
        """What one reads."""
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def count(self, selector: str) -> int:
        """How many there are."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def boxes(self, selector: str) -> list[dict[str, float]]:
        """Where they are, in pixels."""
        return [each.rect for each in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    def telephone(self) -> None:
        """A small upright screen from here on."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", TELEPHONE)

    def wide(self) -> None:
        """A screen on a desk from here on."""
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def dark(self, dark: bool) -> None:
        """A user who likes it dark, or bright."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def width(self) -> int:
        """Of the whole page, whatever of it is seen."""
        metrics: dict[str, Any] = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
        return int(metrics["cssContentSize"]["width"])

    def complaints(self) -> list[str]:
        """What the browser did not like: a refused style, a script that did not run, a missing file."""
        return [each["message"] for each in self.driver.get_log("browser") if " 401 " not in each["message"]]


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    missing = [
        program
        for program in (CHROMIUM, DRIVER, "tgtd")
        if shutil.which(program) is None and shutil.which(f"/usr/sbin/{program}") is None
    ]
    if missing:
        pytest.fail(f"this tier needs {', '.join(missing)} (apt install chromium chromium-driver tgt)")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with LocalServer(tmp_path_factory.mktemp("page") / "state") as running:
        yield Stage(running)


@pytest.fixture(scope="session")
def browser(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One that runs no script: all of the page works for it."""
    opened = Browser(stage.server, tmp_path_factory.mktemp("profile"), script=False)
    yield opened
    opened.quit()


@pytest.fixture(scope="session")
def scripted(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One that would run a script, if it were given one."""
    opened = Browser(stage.server, tmp_path_factory.mktemp("scripted"), script=True)
    yield opened
    opened.quit()
