"""Run inside a guest's tree: does cloud-init still load everything that its configuration names? Prints JSON."""

import json
import logging
import sys

from cloudinit import importer, sources
from cloudinit.config.modules import form_module_name
from cloudinit.util import read_conf_with_confd


class Warnings(logging.Handler):
    """Collects what would make a boot degraded."""

    lines = []

    def emit(self, record):
        """Keep one."""
        self.lines.append(record.getMessage())


logging.getLogger().addHandler(Warnings(logging.WARNING))
configuration = read_conf_with_confd("/etc/cloud/cloud.cfg")
sections = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
missing = []
for section in sections:
    for entry in configuration[section]:
        name = entry[0] if isinstance(entry, list) else entry
        found, _ = importer.find_module(form_module_name(name), ["", "cloudinit.config"], ["handle"])
        if not found:
            missing.append(entry)
        for module in found:
            importer.import_module(module)

# The two searches of the init stages, with our datasource asked for beside the common ones.
listed = {}
for stage, depends in (("local", [sources.DEP_FILESYSTEM]), ("network", [sources.DEP_FILESYSTEM, sources.DEP_NETWORK])):
    classes = sources.list_sources(["NoCloud", "BlockStore", "None"], depends, ["", "cloudinit.sources"])
    listed[stage] = [one.__name__ for one in classes]

print(json.dumps({
    "modules": configuration["cloud_config_modules"], "missing": missing, "sources": listed, "warnings": Warnings.lines,
    "datasource_list": configuration.get("datasource_list"), "python": sys.version_info[:2],
}))  # fmt: skip
