"""What is asked of cloud-init: the datasource's metadata, the instance id, reporting events; the same in 22.4 to the newest."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from cc_blockstore.progress import Events


def metadata(cloud: Any) -> Mapping[str, Any]:
    """The datasource's metadata; {} where it has none that is a mapping."""
    found = getattr(cloud.datasource, "metadata", None)
    return found if isinstance(found, Mapping) else {}


def instance_id(cloud: Any) -> str:
    """The id of this instance."""
    return str(cloud.get_instance_id())


def events(cloud: Any) -> Events:
    """Reporting events below the module's own, so that `cloud-init analyze show` has every step of every volume."""
    from cloudinit.reporting.events import ReportEventStack

    parent, guard = cloud.reporter, threading.Lock()

    @contextmanager
    def event(name: str, description: str) -> Iterator[None]:
        stack: AbstractContextManager[Any] = ReportEventStack(name, description, parent=parent)
        with guard:  # the handlers write to one log from several threads
            stack.__enter__()
        try:
            yield
        finally:
            with guard:
                # Failures are told in our own words; an exception handed to the stack would be logged with its text.
                stack.__exit__(None, None, None)

    return event


def load() -> tuple[Mapping[str, Any], Any]:
    """``cfg`` and ``cloud`` outside of a stage, as `cloud-init single` makes them: from the pickled datasource, no crawl."""
    from cloudinit import stages
    from cloudinit.config.modules import Modules

    init = stages.Init(ds_deps=[])
    init.read_cfg([])
    init.fetch(existing="trust")
    modules = Modules(init, [])
    return modules.cfg, init.cloudify()
