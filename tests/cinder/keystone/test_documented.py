"""The commands of docs/cinder.md, given to the real Keystone as an operator gives them, make an account that Cinder obeys."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path

from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.passed import NewVolume
from testbed.cinder import SecuredCinder
from testbed.command import run
from testbed.keystone import DOMAIN, REGION
from tests.cinder.keystone.conftest import Cloud, client, secret_file

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/cinder.md"
# Beside those that other tests have made.
NAMES = {"instances": "documented-project", "blockstore": "documented-user"}
PASSWORD = "a-planted-documented-password"


def test_the_documented_commands_make_an_account_that_cinder_obeys(cloud: Cloud, cinder: SecuredCinder, tmp_path: Path) -> None:
    operators, users = re.findall(r"```sh\n(openstack .*?)```", DOCUMENT.read_text(), re.DOTALL)
    for line in operators.splitlines():
        openstack(cloud, line, "admin", cloud.keystone.password, "admin")
    made = openstack(cloud, f"{users.strip()} --format json", NAMES["blockstore"], PASSWORD, NAMES["instances"])
    told = {key.lower(): value for key, value in json.loads(made).items()}
    words = {"auth": "application_credential", "auth_url": cloud.keystone.url, "region": REGION, "credential_id": told["id"]}
    ours = client({**words, "secret_file": str(secret_file(tmp_path, told["secret"]))})
    volume = ours.create_volume(NewVolume(size=1, name="documented")).id
    wait_for("the volume", lambda: ours.volume(volume).status == "available" or None, Deadline.after(30))
    ours.release(ours.reserve(volume, "0d9f2f6e-2f6b-4a1c-8d53-6f0d3b3f3b11", "rw"))
    assert ours.volume(volume).status == "available"


def openstack(cloud: Cloud, line: str, user: str, password: str, project: str) -> str:
    """What it printed. Nobody is there to be asked for a password."""
    words = [NAMES.get(word, word) for word in shlex.split(line)]
    if "--password-prompt" in words:
        where = words.index("--password-prompt")
        words[where : where + 1] = ["--password", PASSWORD]
    account = {"USERNAME": user, "PASSWORD": password, "PROJECT_NAME": project, "AUTH_URL": cloud.keystone.url}
    domains = {"USER_DOMAIN_NAME": DOMAIN, "PROJECT_DOMAIN_NAME": DOMAIN, "IDENTITY_API_VERSION": "3", "INTERFACE": "internal"}
    environment = {**os.environ, **{f"OS_{key}": value for key, value in {**account, **domains}.items()}}
    return run([Path(sys.executable).parent / words[0], *words[1:]], environment=environment, timeout=120).decode()
