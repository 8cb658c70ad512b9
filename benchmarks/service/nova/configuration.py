"""The files that Nova's metadata service is told everything by."""

import shutil
from pathlib import Path

SECRET = "s3cret"
NOVA = """\
[DEFAULT]
state_path = {folder}
my_ip = 127.0.0.1
host = one
transport_url = fake:///
log_file = {folder}/nova.log
[api]
local_metadata_per_cell = True
metadata_cache_expiration = {cache}
[database]
connection = {database}
[api_database]
connection = {api_database}
[neutron]
service_metadata_proxy = True
metadata_proxy_shared_secret = {secret}
auth_type = none
endpoint = http://127.0.0.1:{neutron}
endpoint_override = http://127.0.0.1:{neutron}
[oslo_concurrency]
lock_path = {folder}/locks
"""


def write(folder: Path, venv: Path, *, database: str, api_database: str, neutron: int, cache: int) -> Path:
    """``nova.conf`` in the folder, and beside it api-paste.ini, which is read as one more of its files.

    ``cache`` is how many seconds an instance is remembered, ``neutron`` a port.
    """
    folder.mkdir(exist_ok=True)
    file = folder / "nova.conf"
    words = {"folder": folder, "venv": venv, "database": database, "api_database": api_database, "secret": SECRET}
    file.write_text(NOVA.format(**words, neutron=neutron, cache=cache))
    shutil.copy(venv / "etc/nova/api-paste.ini", folder)
    return file
