"""cloud-init's datasource ``BlockStore``: who this instance is, from a seed or from the metadata service.

A top-level module of this very name: cloud-init finds it without any ``datasource_pkg_list``, and a list that stayed behind
after the package was removed would stop cloud-init altogether. Runs with cloud-init 22.4 and later.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cloudinit import dmi, sources, util

from blockstore import iqn
from blockstore.errors import BlockstoreError, DocumentInvalid
from blockstore.lift import KEY, LONGEST, lift, takes_vendor_data
from blockstore.secret import Secret
from blockstore.seed import DOCUMENTS, LABELS, Seed, mapping, service
from blockstore.waiting import Deadline
from cc_blockstore.document import sources as document
from cc_blockstore.document.merge import merged
from cc_blockstore.machine import files, initiator
from cc_blockstore.machine.machine import Paths

LOG = logging.getLogger(__name__)

# Root's alone, and outside of /var/lib/cloud: what must outlive a reboot, and must not lie in cloud-init's pickle.
PATHS = Paths()
FROM_DATASOURCE = "datasource.yaml"  # the metadata's block and the service to ask; lowest priority
FROM_CLOUD_CONFIG = "user-data.yaml"  # what was lifted out of vendor-data and user-data; the priority of cloud-config

ENDPOINT = "http://169.254.169.254:8775"
# Seconds for all documents together, `max_wait` under `datasource: {BlockStore: …}`. cloud-init's own stages have no limit.
PATIENCE = 30


class DataSourceBlockStore(sources.DataSource):  # type: ignore[misc]
    """A seed on a file system: needs no network, so it is found in the local stage and its network-config is applied."""

    dsname = "BlockStore"
    # One full path, all lower case: cloud-init 22 raises KeyError for a bare key that turns up below another sensitive one.
    sensitive_metadata_keys = (*sources.DataSource.sensitive_metadata_keys, "ds/meta_data/blockstore")

    # Class attributes, so that an object from an older version's pickle has them as well. None of them is among
    # cached_attr_defaults: cloud-init clears those before each refresh, whatever comes of it.
    _last_good: dict[str, Any] | None = None
    _network: dict[str, Any] | None = None
    _source = "unknown"
    _digest = ""
    _system_uuid = ""

    def _get_data(self) -> bool:
        """Read everything anew; where that fails, what was read last stays.

        Nothing may be raised here: in `apply_network_config` cloud-init calls this unguarded, and a failure would end the
        init stage. And returning False on a refresh would leave the metadata empty, which makes a new instance of this one.
        """
        try:
            crawl = self._crawl()
        except Exception as error:
            crawl = None
            # Only errors of ours are known to quote no secret.
            reason = str(error) if isinstance(error, BlockstoreError) else type(error).__name__
            LOG.log(logging.INFO if self._last_good else logging.WARNING, "BlockStore: cannot read metadata: %s", reason)
        crawl = crawl or self._last_good
        return self._adopt(crawl) if crawl else False

    def _adopt(self, crawl: dict[str, Any]) -> bool:
        self._last_good = crawl
        # A copy: the dictionary that cloud-init leaves behind after clearing is shared by all datasources.
        for attribute, value in copy.deepcopy(crawl).items():
            setattr(self, attribute, value)
        self.dsmode = self._determine_dsmode([self.metadata.get("dsmode")])
        return bool(self.dsmode != sources.DSMODE_DISABLED)

    def _crawl(self) -> dict[str, Any] | None:
        """The attributes of this object that tell who the instance is. No secret is left in them: they are pickled."""
        seed = self._documents()
        if seed is None:
            return None
        metadata = {**seed.metadata, "instance-id": seed.identifier(uuid := _dmi("system-uuid"))}
        user, vendor = (lift(seed.texts.get(name, b"")) for name in ("user-data", "vendor-data"))
        wishes = [vendor.block if takes_vendor_data(self.sys_cfg, user.text) else {}, user.block]
        _keep(FROM_DATASOURCE, merged((seed.block, seed.service)))
        _keep(FROM_CLOUD_CONFIG, merged(wishes))
        return {
            "metadata": {**metadata, KEY: seed.public} if seed.public else metadata,
            "userdata_raw": user.text,
            "vendordata_raw": vendor.text,
            "_network": seed.network,
            "_source": seed.source,
            "_digest": seed.digest,
            "_system_uuid": uuid,
        }

    def _documents(self) -> Seed | None:
        found = self._seed()
        return None if found is None or found.is_pointer else found

    def _seed(self) -> Seed | None:
        """The first seed: a folder, then a file system labelled as NoCloud's seeds are, so that one ISO serves both."""
        for name in ("blockstore", "nocloud"):
            folder = Path(self.paths.seed_dir, name)
            if (folder / "meta-data").is_file():
                return Seed(_texts(folder), f"seed-dir ({folder})")
        for device in _labelled():
            try:
                texts = util.mount_cb(device, lambda mounted: _texts(Path(mounted)))
            except util.MountFailedError:
                continue
            if "meta-data" in texts:
                return Seed(texts, f"config-disk ({device})")
        return None

    def check_instance_id(self, sys_cfg: Mapping[str, Any]) -> bool:
        """Whether this object, unpickled from an earlier boot, still tells who this machine is.

        A seed that is there must be the very same one. Where it is gone (an ISO ejected after the first boot), the machine
        must be: cloud-init's own NoCloud makes a new instance then, with new host keys.
        """
        self.sys_cfg = sys_cfg  # else the pickle's module list would outlive every upgrade of cloud-init
        return self._is_current()

    def _is_current(self) -> bool:
        try:
            found = self._documents()
        except Exception as error:
            LOG.debug("BlockStore: cannot read the seed: %s", type(error).__name__)
            found = None
        return found.digest == self._digest if found else self._same_machine()

    def _same_machine(self) -> bool:
        return bool(self._system_uuid) and self._system_uuid == _dmi("system-uuid")

    @property
    def network_config(self) -> dict[str, Any] | None:
        """The network-config document; None makes cloud-init fall back to DHCP."""
        return self._network

    def _get_subplatform(self) -> str:
        return self._source

    def get_config_obj(self) -> dict[str, Any]:
        """The list of config modules with ours in front.

        A list replaces the one below it, so this is a copy of the whole. It is given even where ours is in it already:
        ``sys_cfg`` may be the result of an earlier call, and what lies below is then without it.
        """
        modules = list(self.sys_cfg.get("cloud_config_modules") or [])
        if not modules:
            return {}
        listed = any(_module_name(entry) == KEY for entry in modules)
        # With a frequency: the schema of cloud-init 22.4 warns at each boot of a plain name that it does not know.
        return {"cloud_config_modules": modules if listed else [[KEY, "always"], *modules]}

    def activate(self, cfg: Mapping[str, Any], is_new_instance: bool) -> None:
        """In the init stage, so before iscsid starts: the initiator name, a file and nothing more.

        Talking to iscsid here would hang the boot: its socket waits for sysinit.target, which waits for this stage.
        """
        try:
            self._keep_service(cfg)
            name = self._initiator_name(cfg)
            if fault := iqn.fault(name):
                LOG.warning("BlockStore: initiator_name: %s", fault)
            elif initiator.write_name(name):
                LOG.info("BlockStore: the initiator name is %s", name)
        except DocumentInvalid:
            LOG.info("BlockStore: no initiator name is written: the document has faults, which the module will tell")
        except Exception as error:  # unguarded in cloud-init: an exception would end the init stage
            LOG.warning("BlockStore: cannot write the initiator name: %s", type(error).__name__)

    def _keep_service(self, cfg: Mapping[str, Any]) -> None:
        """A new endpoint or token in the system configuration counts on the next boot, although the pickle is used then."""
        configured = service(_mapping(_mapping(cfg.get("datasource")).get(self.dsname)))
        kept = mapping(files.read(PATHS.state / FROM_DATASOURCE), FROM_DATASOURCE)
        _keep(FROM_DATASOURCE, merged((kept, configured)))

    def _initiator_name(self, cfg: Mapping[str, Any]) -> str:
        said = document.gather(cfg, self.metadata, PATHS) or {}
        name = said.get("initiator_name") or iqn.derived(self.get_instance_id())
        return name if isinstance(name, str) else ""  # the text of anything else may hold whatever stands below it

    def clean(self) -> None:
        """``cloud-init clean -c datasource`` of 26 and later: forget what was read."""
        for name in (FROM_DATASOURCE, FROM_CLOUD_CONFIG):
            files.remove(PATHS.state / name)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: the configuration without its secrets (cloud-init reads it anew in every stage)."""
        state = dict(super().__getstate__())
        state["ds_cfg"] = {word: value for word, value in _mapping(self.ds_cfg).items() if word != "token"}
        datasource = dict(_mapping(self.sys_cfg.get("datasource")))
        if self.dsname in datasource:
            datasource[self.dsname] = state["ds_cfg"]
        state["sys_cfg"] = {word: value for word, value in self.sys_cfg.items() if word != KEY}
        state["sys_cfg"]["datasource"] = datasource
        return state


class DataSourceBlockStoreNet(DataSourceBlockStore):
    """The metadata service, asked over the network."""

    def _documents(self) -> Seed | None:
        found = self._service(_mapping(self.ds_cfg))
        if found is None:
            return None
        # Late: `requests` takes a good part of a second to import, and a seed does not need it.
        from cc_blockstore.client import MetadataClient

        token, endpoint = found.get("token"), found["endpoint"]
        client = MetadataClient(endpoint, Secret(token) if token else None, ca_cert=_certificate(found.get("ca_cert", "")))
        wait = _mapping(self.ds_cfg).get("max_wait")
        deadline = Deadline.after(wait if isinstance(wait, (int, float)) else PATIENCE)
        texts = {name: client.document(name, deadline) for name in DOCUMENTS}
        return Seed(texts, f"metadata ({endpoint})", found)

    def _service(self, configured: Mapping[str, Any]) -> dict[str, str] | None:
        """Where to ask: the system configuration, then a seed that only points at a service, then the usual address."""
        seed = None if configured.get("endpoint") else self._seed()
        found = service(merged((seed.block if seed and seed.is_pointer else {}, configured)))
        if "endpoint" in found:
            return found
        # A link-local address is asked on this machine only where somebody said that there is a service.
        return {**found, "endpoint": ENDPOINT} if self._is_named() else None

    def _is_named(self) -> bool:
        listed = [name for name in self.sys_cfg.get("datasource_list") or [] if name != "None"]
        return listed == [self.dsname] or "blockstore" in (_dmi("system-product-name"), _dmi("chassis-asset-tag"))

    def _is_current(self) -> bool:
        """No network is needed to see that it is the same machine, so a reboot survives a service that is down."""
        return self._same_machine()


def _texts(folder: Path) -> dict[str, bytes]:
    return {name: _read(folder / name) for name in DOCUMENTS if (folder / name).is_file()}


def _read(path: Path) -> bytes:
    if path.stat().st_size > LONGEST:
        raise BlockstoreError(f"{path} is longer than {LONGEST >> 20} MiB")
    return path.read_bytes()


def _mapping(value: object) -> Mapping[str, Any]:
    """A configuration that is something else says nothing."""
    return value if isinstance(value, Mapping) else {}


def _labelled() -> list[str]:
    """Devices with a seed's label. udev's links first: blkid reads every device, and udev may not have come to this one yet."""
    links = [Path("/dev/disk/by-label", label) for label in LABELS]
    if found := [str(link.resolve()) for link in links if link.exists()]:
        return found
    return sorted({device for label in LABELS for device in util.find_devs_with(f"LABEL={label}")})


def _keep(name: str, block: Mapping[str, object]) -> None:
    if not block:
        files.remove(PATHS.state / name)
        return
    PATHS.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write(PATHS.state / name, yaml.safe_dump(dict(block), sort_keys=False), 0o600)


def _certificate(text: str) -> str:
    """The path of a certificate; a PEM is put into a file, since `requests` takes nothing else."""
    if not text.lstrip().startswith("-----BEGIN"):
        return text
    files.write(PATHS.state / "ca.pem", text, 0o600)
    return str(PATHS.state / "ca.pem")


def _module_name(entry: object) -> str:
    """The plain name of an entry of a module list: ``name``, ``[name, frequency]`` or ``{name: …}``; cc_ and - as cloud-init."""
    if isinstance(entry, Mapping):
        entry = entry.get("name")
    if isinstance(entry, (list, tuple)):
        entry = entry[0] if entry else ""
    return str(entry).strip().replace("-", "_").removesuffix(".py").removeprefix("cc_")


def _dmi(key: str) -> str:
    return str(dmi.read_dmi_data(key) or "").strip().lower()


datasources = [
    (DataSourceBlockStore, (sources.DEP_FILESYSTEM,)),
    (DataSourceBlockStoreNet, (sources.DEP_FILESYSTEM, sources.DEP_NETWORK)),
]


def get_datasource_list(depends: tuple[str, ...]) -> list[type]:
    """The classes for exactly these dependencies: cloud-init's entry point."""
    return list(sources.list_from_depends(depends, datasources))
