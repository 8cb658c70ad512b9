"""What is asked of cloud-init: the datasource's metadata, the instance id, reporting events; the same in 22.4 to the newest."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from blockstore.errors import BlockstoreError
from cc_blockstore.progress import Events


def metadata(cloud: Any) -> Mapping[str, Any]:
    """The datasource's metadata; {} where it has none that is a mapping."""
    found = getattr(cloud.datasource, "metadata", None)
    return found if isinstance(found, Mapping) else {}


def instance_id(cloud: Any) -> str:
    """The id of this instance."""
    return str(cloud.get_instance_id())


def events(cloud: Any) -> Events:
    """Reporting events below the module's own, so that `cloud-init analyze show` has every step of every volume.

    An event is opened and closed when its step has ended, and says in words how long that took: analyze pairs the lines
    of its log by their order, and takes the beginnings of steps that overlap for stages.
    """
    from cloudinit.reporting.events import ReportEventStack

    parent, guard = cloud.reporter, threading.Lock()

    def tell(name: str, description: str) -> None:
        with guard, ReportEventStack(name, description, parent=parent):
            pass

    return tell


def load() -> tuple[Mapping[str, Any], Any]:
    """``cfg`` and ``cloud`` outside of a stage, as `cloud-init single` makes them: from the pickled datasource, no crawl.

    Raises BlockstoreError where cloud-init is not there, or its state cannot be read.
    """
    try:
        return _loaded()
    except ImportError:
        raise BlockstoreError("cloud-init is not installed", hint="apt install cloud-init") from None
    except Exception as error:  # whatever cloud-init raises for a pickle that is missing or root's alone
        told = f"cloud-init's state cannot be read: {type(error).__name__}"
        raise BlockstoreError(told, hint="run it as root, on an instance that cloud-init has booted") from None


def _loaded() -> tuple[Mapping[str, Any], Any]:
    from cloudinit import stages
    from cloudinit.config.modules import Modules

    init = stages.Init(ds_deps=[])
    init.read_cfg([])
    init.fetch(existing="trust")
    modules = Modules(init, [])
    return modules.cfg, init.cloudify()
