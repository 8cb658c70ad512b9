# mypy: ignore-errors
"""A driver of Cinder: volumes are sparse files, exported by Cinder's own target helper, just as its LVM driver does it.

Cinder has no driver that needs neither device-mapper nor root: this one takes LVM's place in the tests. Everything that an
instance meets (targets, CHAP, connection_info) is Cinder's.
"""

from __future__ import annotations

import os
from pathlib import Path

from cinder import interface
from cinder.volume import configuration, driver
from oslo_config import cfg
from oslo_utils import importutils

GIB = 1 << 30
OPTIONS = [cfg.StrOpt("filetgt_dir", help="The folder of the volumes' files.")]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class FileTgtDriver(driver.VolumeDriver):
    """``<filetgt_dir>/<volume name>``."""

    VERSION = "1.0"

    def __init__(self, *args, **words):
        super().__init__(*args, **words)
        self.configuration.append_config_values(OPTIONS)
        self.target_driver = importutils.import_object(
            self.target_mapping[self.configuration.safe_get("target_helper")], configuration=self.configuration,
            executor=self._execute,
        )  # fmt: skip

    def check_for_setup_error(self):
        """The folder is there."""
        Path(self.configuration.filetgt_dir).mkdir(exist_ok=True)

    def local_path(self, volume):
        """The volume's file."""
        return os.path.join(self.configuration.filetgt_dir, volume.name)

    def create_volume(self, volume):
        """All holes."""
        with open(self.local_path(volume), "wb") as file:
            file.truncate(volume.size * GIB)

    def delete_volume(self, volume):
        """Its file goes."""
        Path(self.local_path(volume)).unlink(missing_ok=True)

    def extend_volume(self, volume, new_size):
        """tgt has to open it again: only while it is not attached."""
        os.truncate(self.local_path(volume), new_size * GIB)

    def create_snapshot(self, snapshot):
        """A copy with holes."""
        self._copy(self.local_path(snapshot.volume), self.local_path(snapshot))

    def delete_snapshot(self, snapshot):
        """Its file goes."""
        self.delete_volume(snapshot)

    def create_volume_from_snapshot(self, volume, snapshot):
        """A copy, as large as is wished."""
        self._copy(self.local_path(snapshot), self.local_path(volume))
        self.extend_volume(volume, volume.size)

    def create_cloned_volume(self, volume, src_vref):
        """A copy, as large as is wished."""
        self._copy(self.local_path(src_vref), self.local_path(volume))
        self.extend_volume(volume, volume.size)

    def ensure_export(self, context, volume):
        """After a start."""
        return self.target_driver.ensure_export(context, volume, self.local_path(volume))

    def create_export(self, context, volume, connector):
        """Where it is, and the CHAP pair."""
        found = self.target_driver.create_export(context, volume, self.local_path(volume))
        return {"provider_location": found["location"], "provider_auth": found["auth"]}

    def remove_export(self, context, volume):
        """Nobody gets in any more."""
        self.target_driver.remove_export(context, volume)

    def initialize_connection(self, volume, connector):
        """connection_info."""
        return self.target_driver.initialize_connection(volume, connector)

    def validate_connector(self, connector):
        """It must name an initiator."""
        return self.target_driver.validate_connector(connector)

    def terminate_connection(self, volume, connector, **words):
        """Of one connector."""
        self.target_driver.terminate_connection(volume, connector, **words)

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name") or "filetgt",
            "vendor_name": "test", "driver_version": self.VERSION, "storage_protocol": "iSCSI",
            "total_capacity_gb": 10000, "free_capacity_gb": 10000, "reserved_percentage": 0, "multiattach": False,
        }  # fmt: skip

    def _copy(self, source, target):
        self._execute("cp", "--sparse=always", source, target)
