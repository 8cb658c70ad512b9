# mypy: ignore-errors
"""cinder-api, cinder-scheduler and cinder-volume in one process: the real services, which speak over oslo.messaging's
``fake://`` and need no RabbitMQ. ``everything.py --config-file cinder.conf``."""

# ruff: noqa: E402 - Cinder's patches come before every other import
from cinder import monkey_patch

monkey_patch.patch()

import logging as python_logging
import shlex
import sys

import os_brick
from cinder import i18n

i18n.enable_lazy()

from cinder import coordination, objects, rpc, service, utils, version
from cinder.common import config, constants
from cinder.db import migration
from oslo_config import cfg
from oslo_log import log as logging
from oslo_privsep import priv_context
from oslo_service import service as oslo_service

CONF = cfg.CONF


def main():
    """Until SIGTERM."""
    objects.register_all()
    CONF.register_cli_opt(cfg.StrOpt("cluster", default=None))
    CONF(sys.argv[1:], project="cinder", version=version.version_string())
    config.set_middleware_defaults()
    logging.setup(CONF, "cinder")
    python_logging.captureWarnings(True)
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(CONF)
    coordination.COORDINATOR.start()
    migration.db_sync()
    rpc.init(CONF)
    launcher = oslo_service.ServiceLauncher(CONF)
    for backend in CONF.enabled_backends:
        CONF.register_opt(cfg.StrOpt("backend_host"), group=backend)
        launcher.launch_service(
            service.Service.create(
                host=f"{CONF.host}@{backend}", service_name=backend, binary=constants.VOLUME_BINARY, coordination=True
            )
        )
    launcher.launch_service(service.Service.create(binary=constants.SCHEDULER_BINARY))
    launcher.launch_service(service.WSGIService("osapi_volume"))
    launcher.wait()


main()
