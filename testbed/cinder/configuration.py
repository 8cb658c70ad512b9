"""The files that Cinder and its target daemon are told everything by."""

from pathlib import Path

CINDER = """\
[DEFAULT]
auth_strategy = {auth}
transport_url = fake:///
state_path = {folder}
my_ip = 127.0.0.1
host = one
osapi_volume_listen = 127.0.0.1
osapi_volume_listen_port = {port}
osapi_volume_workers = 1
enabled_backends = tgt
default_volume_type = __DEFAULT__
api_paste_config = {venv}/etc/cinder/api-paste.ini
resource_query_filters_file = {venv}/etc/cinder/resource_filters.json
# A machine that is busy with other tests is no reason to call a service dead.
service_down_time = 3600
quota_volumes = -1
quota_gigabytes = -1
http_basic_auth_user_file = {folder}/htpasswd
[tgt]
volume_driver = filetgt.FileTgtDriver
volume_backend_name = tgt
filetgt_dir = {folder}/volumes
volumes_dir = {folder}/tgt
target_helper = tgtadm
target_ip_address = {portal_host}
target_port = {portal_port}
[database]
connection = sqlite:///{folder}/cinder.sqlite
[coordination]
backend_url = file://{folder}/locks
[oslo_concurrency]
lock_path = {folder}/locks
[cinder_sys_admin]
helper_command = {venv}/bin/privsep-helper --config-file {folder}/cinder.conf
"""

# Cinder starts plain `tgt-admin`, which reads /etc/tgt/targets.conf and nothing else.
TGT_ADMIN = '#!/bin/sh\nexec /usr/sbin/tgt-admin -c {folder}/targets.conf "$@"\n'
TARGETS = "default-driver iscsi\ninclude {folder}/tgt/*\n"


def write(folder: Path, venv: Path, *, port: int, portal_host: str, portal_port: int, auth: str, sections: str) -> None:
    """Everything below ``folder``. ``portal_host`` is the portal's address as instances see it, ``sections`` the file's end."""
    for name in ("volumes", "tgt", "locks", "bin"):
        (folder / name).mkdir(exist_ok=True)
    words = {"folder": folder, "venv": venv, "port": port, "portal_host": portal_host, "portal_port": portal_port, "auth": auth}
    (folder / "cinder.conf").write_text(CINDER.format(**words) + sections)
    (folder / "targets.conf").write_text(TARGETS.format(**words))
    admin = folder / "bin/tgt-admin"
    admin.write_text(TGT_ADMIN.format(**words))
    admin.chmod(0o755)
