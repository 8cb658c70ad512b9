"""One unit of work on the database: the statements of all tables, on one connection."""

from __future__ import annotations

import sqlalchemy

from metadata_server.store.attachments import Attachments
from metadata_server.store.counts import Counts
from metadata_server.store.faults import Faults
from metadata_server.store.instances import Instances
from metadata_server.store.leases import Leases
from metadata_server.store.overview import Overview
from metadata_server.store.passed import PassedThrough
from metadata_server.store.quotas import Quotas
from metadata_server.store.reports import Reports
from metadata_server.store.shared_keys import SharedKeys
from metadata_server.store.snapshots import Snapshots
from metadata_server.store.volumes import Volumes


class Transaction:
    """By table."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self.connection = connection
        self.instances = Instances(connection)
        self.shared_keys = SharedKeys(connection)
        self.counts = Counts(connection)
        self.volumes = Volumes(connection)
        self.snapshots = Snapshots(connection)
        self.quotas = Quotas(connection)
        self.faults = Faults(connection)
        self.attachments = Attachments(connection)
        self.reports = Reports(connection)
        self.overview = Overview(connection)
        self.leases = Leases(connection)
        self.passed = PassedThrough(connection)
