"""ds-identify, which decides before cloud-init starts: the documented ways to choose BlockStore, and no change without them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "templates/cloud/91_blockstore-datasource.cfg.j2"
MODULES = "cloud_config_modules:\n- blockstore\n- runcmd\n"  # as 95_blockstore.cfg


def identify(
    tree: Path, machine: Path, *, cmdline: str = "", nocloud: bool = False, configuration: dict[str, str]
) -> list[str] | None:
    """The list that ds-identify leaves for cloud-init; None where it disables cloud-init."""
    if nocloud:
        seed = machine / "var/lib/cloud/seed/nocloud"
        seed.mkdir(parents=True)
        for name in ("meta-data", "user-data"):
            (seed / name).write_text("")
    for path, text in {"proc/cmdline": cmdline + "\n", "proc/uptime": "1 1\n", "proc/1/environ": "", **configuration}.items():
        (machine / path).parent.mkdir(parents=True, exist_ok=True)
        (machine / path).write_text(text)
    (machine / "run/cloud-init").mkdir(parents=True)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PATH_ROOT": str(machine), "DI_LOG": "stderr", "DI_BLKID_EXPORT_OUT": "\n",
        "DI_VIRT": "kvm", "DI_MAIN": "main",
    }  # fmt: skip
    script = tree / "usr/lib/cloud-init/ds-identify"
    done = subprocess.run(["sh", str(script), "--force"], env=environment, capture_output=True, text=True, check=False)
    result = machine / "run/cloud-init/cloud.cfg"
    assert done.returncode in (0, 1), done.stderr
    if done.returncode:
        return None
    found = yaml.safe_load(result.read_text()) or {} if result.exists() else {}
    return list(found.get("datasource_list", ["everything"]))


def base(**drop_ins: str) -> dict[str, str]:
    """Debian's cloud.cfg names no datasource; the drop-ins by their names."""
    files = {"etc/cloud/cloud.cfg": "disable_root: true\n"}
    return {**files, **{f"etc/cloud/cloud.cfg.d/{name}.cfg": text for name, text in drop_ins.items()}}


@pytest.mark.parametrize("nocloud", [False, True], ids=["no seed", "a nocloud seed"])
def test_example_drop_in(cloud_init: Any, tmp_path: Path, nocloud: bool) -> None:
    found = identify(cloud_init.tree, tmp_path, nocloud=nocloud, configuration=base(b91=EXAMPLE.read_text()))
    assert found == ["BlockStore", "None"]


def test_kernel_argument(cloud_init: Any, tmp_path: Path) -> None:
    configuration = base(b95=MODULES)
    found = identify(cloud_init.tree, tmp_path, cmdline="ro ds=BlockStore", nocloud=True, configuration=configuration)
    # A pin since 23.2; before that ds-identify does not look at it, and the drop-in is the way.
    assert found == (["BlockStore", "None"] if cloud_init.number >= (23, 2) else ["NoCloud", "None"])


@pytest.mark.parametrize("drop_ins", [{}, {"b95": MODULES}], ids=["without the package", "with it"])
@pytest.mark.parametrize("nocloud", [False, True], ids=["no seed", "a nocloud seed"])
def test_package_alone_changes_nothing(cloud_init: Any, tmp_path: Path, drop_ins: dict[str, str], nocloud: bool) -> None:
    found = identify(cloud_init.tree, tmp_path, nocloud=nocloud, configuration=base(**drop_ins))
    assert found == (["NoCloud", "None"] if nocloud else None)


def test_why_it_is_not_listed_among_others(cloud_init: Any, tmp_path: Path) -> None:
    """ds-identify knows no check for BlockStore and drops it; without a seed it even disables cloud-init."""
    configuration = base(b91="datasource_list: [ BlockStore, NoCloud, None ]\n")
    assert identify(cloud_init.tree, tmp_path / "a", nocloud=True, configuration=configuration) == ["NoCloud", "None"]
    assert identify(cloud_init.tree, tmp_path / "b", configuration=configuration) is None
