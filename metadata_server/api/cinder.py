"""All that is Cinder's, in the order in which paths are looked at."""

from metadata_server.api import attachments, quotas, snapshots, types, volumes, zones

ROUTERS = (volumes.router, snapshots.router, attachments.router, types.router, quotas.router, zones.router)
