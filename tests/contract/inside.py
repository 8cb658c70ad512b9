"""What runs with a real cloud-init: each function is one question, and its answer is JSON.

Started once a version by the fixture ``asked`` with PYTHONPATH set. Only what would reach for the machine
(DMI, block devices, mount, the state folder) is replaced; cloud-init's own code is untouched.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

TOKEN = "planted-token-5f2c"
CHAP = "planted-chap-secret-77aa"
UUID = "8a5b3c1e-0000-4000-8000-00000000abcd"
MODULES = ["locale", "runcmd"]
SEED = "cloud/seed/blockstore"
SERVICE = {"BlockStore": {"endpoint": "http://192.0.2.1:8775", "token": TOKEN}}


class Warnings(logging.Handler):
    """Collects what makes a boot degraded: WARNING, DEPRECATED (35) and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


class Everything(Warnings):
    """Collects the whole log."""

    def __init__(self) -> None:
        super().__init__()
        self.setLevel(logging.DEBUG)


def configure(folder: str, **more: Any) -> None:
    """A cloud.cfg of our own in place of /etc/cloud/cloud.cfg, so with the lowest priority."""
    from cloudinit import stages

    base: dict[str, Any] = {
        "system_info": {"distro": "debian", "paths": {"cloud_dir": f"{folder}/cloud", "run_dir": f"{folder}/run"}},
        "datasource_list": ["BlockStore", "None"],
        "cloud_init_modules": [],
        "cloud_config_modules": MODULES,
        "cloud_final_modules": [],
    }
    path = Path(folder, "cloud.cfg")
    path.write_text(json.dumps({**base, **more}))
    stages.CLOUD_CONFIG = str(path)
    Path(folder, "cloud/seed").mkdir(parents=True, exist_ok=True)
    Path(folder, "run").mkdir(exist_ok=True)


def datasource_module(folder: str, *, uuid: str = UUID, device: str = "") -> Any:
    """DataSourceBlockStore with the machine replaced."""
    import DataSourceBlockStore as module
    from cloudinit import dmi, util

    dmi.read_dmi_data = lambda key: uuid if key == "system-uuid" else None
    util.find_devs_with = lambda *args, **kwargs: []
    util.mount_cb = lambda path, callback, *args, **kwargs: callback(f"{path}/")
    module._labelled = lambda: [device] if device else []
    module.PATHS = module.Paths(Path(folder, "state"))
    module.initiator.write_name = lambda name: bool(Path(folder, "initiatorname").write_text(name))
    return module


def seed(folder: str, texts: dict[str, str], where: str = SEED) -> None:
    """Write a seed's documents."""
    target = Path(folder, where)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (target / name).write_text(text)


class Service:
    """Stands in for the metadata service's client."""

    texts: dict[str, str] = {}
    asked: list[dict[str, Any]] = []

    def __init__(self, endpoint: str, token: Any, *, ca_cert: str = "", connect_timeout: float = 3.0) -> None:
        self.asked.append({"endpoint": endpoint, "token": token.reveal() if token else None, "ca_cert": ca_cert})

    def document(self, name: str, deadline: Any) -> str:
        """A document, or as the real one would when nobody answers."""
        from blockstore.errors import ServiceUnreachable

        if not self.texts:
            raise ServiceUnreachable("no answer from 192.0.2.1:8775")
        return self.texts.get(name, "")


def service(texts: dict[str, str]) -> None:
    """Let the datasource talk to `Service`."""
    import cc_blockstore.client

    cc_blockstore.client.MetadataClient = Service  # type: ignore[misc, assignment]
    Service.texts = texts


@contextlib.contextmanager
def watched(handler: Warnings) -> Any:
    """The root logger with one more handler."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)


def init(stage: str) -> Any:
    """cloud-init's Init as the local or the network stage makes it."""
    from cloudinit import sources, stages

    depends = [sources.DEP_FILESYSTEM] + ([sources.DEP_NETWORK] if stage == "network" else [])
    made = stages.Init(ds_deps=depends)
    made.read_cfg()
    made.initialize()
    return made


def boot(folder: str) -> Any:
    """Both init stages as cmd/main.py runs them, up to and with activate."""
    from cloudinit import sources

    current = None
    for stage in ("local", "network"):
        current = init(stage)
        try:
            # The network stage trusts what the local one found.
            current.fetch(existing="trust" if stage == "network" else "check")
        except sources.DataSourceNotFoundException:
            continue
        current.instancify()
        if stage == "network":
            current.setup_datasource()
            current.update()
            current.consume_data("always")
            current.activate_datasource()
    return current


def effective(folder: str) -> Any:
    """The module list as the config stage sees it: a process of its own, with the datasource from the pickle."""
    from cloudinit.config.modules import Modules

    made = init("network")
    made.fetch(existing="trust")
    made.instancify()
    return Modules(made, []).cfg.get("cloud_config_modules")


def kept(folder: str) -> dict[str, Any]:
    """The files of the datasource's state folder: text and mode."""
    state = Path(folder, "state/var/lib/blockstore")
    return {path.name: [path.read_text(), oct(path.stat().st_mode & 0o777)] for path in sorted(state.glob("*"))}


def grep(folder: str, secret: str) -> list[str]:
    """The files under a folder that hold a text, but for our own configuration and state."""
    found = []
    for path in Path(folder).rglob("*"):
        ours = path.name == "cloud.cfg" or "state" in path.parts or "seed" in path.relative_to(folder).parts
        if path.is_file() and not path.is_symlink() and not ours and secret.encode() in path.read_bytes():
            found.append(f"{path.relative_to(folder)} {oct(path.stat().st_mode & 0o777)}")
    return sorted(found)


def validate(folder: str) -> list[str]:
    """The warnings of cloud-init's own check of user-data, called as its boot calls it."""
    import yaml
    from cloudinit.config.schema import validate_cloudconfig_schema

    path = next(Path(folder, "cloud/instances").glob("*/cloud-config.txt"))
    with watched(Warnings()) as seen:
        validate_cloudconfig_schema(config=yaml.safe_load(path.read_text()) or {}, strict=False, log_details=False)
    return seen.lines


# --- the questions


def find(folder: str, texts: dict[str, str], where: str = SEED, net: dict[str, str] | None = None, **config: Any) -> Any:
    """Search as the two init stages do."""
    configure(folder, **config)
    datasource_module(folder, device=f"{folder}/disk")
    service(net or {})
    if texts:
        seed(folder, texts, where)
    with watched(Everything()) as log, watched(Warnings()) as warnings:
        made = boot(folder)
    source = made.datasource
    return {
        "class": type(source).__name__, "id": source.get_instance_id(), "host": source.get_hostname().hostname
        if hasattr(source.get_hostname(), "hostname") else str(source.get_hostname()),
        "network": source.network_config, "subplatform": source.subplatform, "platform": source.platform_type,
        "metadata": source.metadata, "config": source.get_config_obj(), "kept": kept(folder), "warnings": warnings.lines,
        "initiator": Path(folder, "initiatorname").read_text() if Path(folder, "initiatorname").exists() else "",
        "asked": Service.asked, "secrets": {name: grep(folder, name) for name in (TOKEN, CHAP)},
        "logged": [line for line in log.lines if TOKEN in line or CHAP in line],
        "modules": effective(folder), "dsmode": source.dsmode,
    }  # fmt: skip


def run_section(folder: str, modules: list[Any] | None = None) -> Any:
    """Load and run modules as `cloud-init modules --mode config` does."""
    from cloudinit.config.modules import Modules

    configure(folder, cloud_config_modules=modules or ["blockstore"], datasource_list=["None"])
    made = init("network")
    made.fetch(existing="trust")
    made.instancify()
    import cc_blockstore

    calls: list[str] = []
    real = cc_blockstore.handle

    def handle(*args: Any, **kwargs: Any) -> None:
        calls.append(f"{len(args)} {sorted(kwargs)}")
        return real(*args, **kwargs)

    cc_blockstore.handle = handle
    with watched(Warnings()) as warnings:
        ran, failures = Modules(made, []).run_section("cloud_config_modules")
    return {"ran": ran, "failures": [str(failure) for failure in failures], "warnings": warnings.lines, "calls": calls}


def round_trip(folder: str, texts: dict[str, str], net: bool = False) -> Any:
    """Pickle and unpickle what a boot left behind."""
    configure(folder, datasource=SERVICE, blockstore={"token": TOKEN})
    datasource_module(folder)
    service(texts if net else {})
    if not net:
        seed(folder, texts)
    made = boot(folder)
    data = pickle.dumps(made.datasource)
    again = pickle.loads(data)
    stored = next(Path(folder, "cloud/instances").glob("*/obj.pkl")).read_bytes()
    return {
        "secret": [name for name in (TOKEN, CHAP) if name.encode() in data or name.encode() in stored],
        "module": type(again).__module__, "id": again.get_instance_id(), "userdata": str(again.get_userdata_raw()),
        "network": again.network_config,
    }  # fmt: skip


def list_changes(folder: str) -> Any:
    """A cloud-init upgrade brings another module list, while the datasource comes from the pickle."""
    configure(folder)
    datasource_module(folder)
    seed(folder, {"meta-data": "instance-id: i-1"})
    boot(folder)
    answers = [effective(folder)]
    for modules in (["locale", "ntp"], ["blockstore", "ntp"], [["cc_blockstore", "always"], "ntp"], []):
        configure(folder, cloud_config_modules=modules)
        Path(folder, "run/.instance-id").unlink()  # as a reboot does
        boot(folder)
        answers.append(effective(folder))
    return answers


def reboot(folder: str, token: str, conf: str = "") -> Any:
    """A second boot with another token in the system configuration and a file in conf.d, while the service is down."""
    configure(folder, datasource=SERVICE)
    module = datasource_module(folder)
    service({"meta-data": "instance-id: i-1"})
    boot(folder)
    service({})
    configure(folder, datasource={"BlockStore": {**SERVICE["BlockStore"], "token": token}})
    target = module.PATHS.etc / "blockstore/conf.d/a.yaml"
    target.parent.mkdir(parents=True)
    target.write_text(conf)
    Path(folder, "run/.instance-id").unlink()
    Path(folder, "initiatorname").unlink()
    with watched(Warnings()) as warnings:
        made = boot(folder)
    name = Path(folder, "initiatorname")
    return {"id": made.datasource.get_instance_id(), "kept": kept(folder), "warnings": warnings.lines,
            "initiator": name.read_text() if name.exists() else ""}  # fmt: skip


def old_pickle(folder: str) -> Any:
    """An object that was pickled by a version without any of today's attributes."""
    configure(folder)
    module = datasource_module(folder)
    from cloudinit import distros, helpers

    paths = helpers.Paths({"cloud_dir": f"{folder}/cloud", "run_dir": f"{folder}/run"})
    made = module.DataSourceBlockStore({}, distros.fetch("debian")("debian", {}, paths), paths)
    made.metadata = {"instance-id": "i-old"}
    for name in [name for name in vars(made) if name.startswith("_") and name != "_ci_pkl_version"]:
        delattr(made, name)
    again = pickle.loads(pickle.dumps(made))
    return {"id": again.get_instance_id(), "network": again.network_config, "same": again.check_instance_id({}),
            "subplatform": again._get_subplatform()}  # fmt: skip


def refresh(folder: str, texts: dict[str, str], net: bool = False) -> Any:
    """Read, lose the source, read again as `apply_network_config` and hotplug do."""
    from cloudinit.event import EventType

    configure(folder, datasource=SERVICE if net else {})
    module = datasource_module(folder)
    service(texts if net else {})
    if not net:
        seed(folder, texts)
    source = boot(folder).datasource
    before = [source.get_instance_id(), source.metadata, str(source.get_userdata_raw()), kept(folder)]
    Service.texts = {}
    if not net:
        module._texts = lambda path: 1 / 0
    updated = source.update_metadata_if_supported([EventType.BOOT_NEW_INSTANCE])
    after = [source.get_instance_id(), source.metadata, str(source.get_userdata_raw()), kept(folder)]
    first = type(source)(source.sys_cfg, source.distro, source.paths)
    return {"updated": updated, "before": before, "after": after, "first": first.get_data()}


def same_instance(folder: str, texts: dict[str, str], net: bool = False) -> Any:
    """check_instance_id in every situation after the first boot."""
    configure(folder, datasource={"BlockStore": {"endpoint": "http://192.0.2.1:8775"}} if net else {})
    module = datasource_module(folder)
    service(texts if net else {})
    if not net:
        seed(folder, texts)
    source = pickle.loads(pickle.dumps(boot(folder).datasource))
    Service.texts = {}
    answers = {"as before": source.check_instance_id({})}
    folder_of_seed = Path(folder, "cloud/seed/blockstore")
    if not net:
        (folder_of_seed / "meta-data").write_text("instance-id: other\n")
        answers["another seed"] = source.check_instance_id({})
        (folder_of_seed / "meta-data").write_text("instance-id: [\n")
        answers["a seed that cannot be read"] = source.check_instance_id({})
        (folder_of_seed / "meta-data").unlink()
        answers["seed gone"] = source.check_instance_id({})
    datasource_module(folder, uuid="another")
    answers["another machine"] = source.check_instance_id({})
    datasource_module(folder, uuid="")
    answers["no uuid"] = source.check_instance_id({})
    assert module
    return answers


def userdata(folder: str, text: str, lifting: bool = True) -> Any:
    """Boot with this user-data, then let cloud-init validate it."""
    configure(folder)
    module = datasource_module(folder)
    if not lifting:
        from blockstore.lift import Lifted

        module.lift = Lifted
    seed(folder, {"meta-data": "instance-id: i-1\n", "user-data": text})
    with watched(Warnings()) as boot_warnings:
        boot(folder)
    import yaml

    merged = yaml.safe_load(next(Path(folder, "cloud/instances").glob("*/cloud-config.txt")).read_text()) or {}
    return {"warnings": validate(folder), "boot": boot_warnings.lines, "config": merged, "kept": kept(folder),
            "modules": effective(folder)}  # fmt: skip


def answer(line: str) -> None:
    """One question, in a process of its own: nothing that it imported or patched reaches the next."""
    question = json.loads(line)
    try:
        said = {"answer": globals()[question.pop("function")](**question)}
    except BaseException:
        said = {"error": traceback.format_exc()}
    Path(question["folder"], "answer.json").write_text(json.dumps(said, default=str))


def main() -> None:
    """Import cloud-init once; then a line of JSON on standard input is a question, and a line on standard output its end."""
    os.umask(0o022)
    import cloudinit.cmd.main
    import cloudinit.config.schema  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(2, 1)  # what cloud-init prints is not an answer
            answer(line)
            os._exit(0)
        os.waitpid(child, 0)
        print("done", flush=True)


if __name__ == "__main__":
    main()
