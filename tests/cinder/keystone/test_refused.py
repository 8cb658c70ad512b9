"""What Keystone and Cinder refuse says whose fault it is and what the operator has to look at, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata_server.domain.errors import Unavailable
from metadata_server.domain.passed import NewVolume
from testbed.cinder import SecuredCinder
from tests.cinder.keystone.conftest import PROJECT, Cloud, client

WRONG = "a-planted-wrong-secret"


@pytest.mark.parametrize("auth", ["password", "application_credential"])
def test_a_wrong_secret_is_keystone_s_refusal_and_not_told(
    cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(Unavailable, match=r"Keystone refuses this server's credentials \(401 Unauthorized\)") as raised:
        client(cloud.words(auth, tmp_path, secret=WRONG)).volumes()
    assert ("password_file" if auth == "password" else "secret_file") in str(raised.value)
    assert WRONG not in str(raised.value) + caplog.text


def test_a_right_one_is_not_told_either(
    cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client(cloud.words("application_credential", tmp_path)).volumes()
    assert not [secret for secret in (*cloud.secrets, "gAAAA") if secret in caplog.text]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project": "no-such"}, r"Keystone refuses .* project right\?"),
        ({"user_domain": "no-such"}, "Keystone refuses"),
        ({"auth_url": "{url}/elsewhere/v3"}, r"Keystone gives no token \(404 NotFound\)\. Is \[cinder\] auth_url right"),
        ({"region": "no-such"}, "no such endpoint of block storage.* region and interface right"),
        ({"interface": "public"}, "no such endpoint of block storage"),
    ],
)
def test_a_configuration_that_does_not_fit(
    cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    words = {**cloud.words("password", tmp_path), **change}
    words["auth_url"] = words["auth_url"].format(url=cloud.keystone.url.removesuffix("/v3"))
    with pytest.raises(Unavailable, match=said):
        client(words).volumes()


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        # Cinder's middleware takes no call at all with a service token of somebody who is no service.
        (("member",), r"Cinder refuses this server's credentials \(401\): .*roles \"member\" and \"service\""),
        # Being a service is no right in a project.
        (
            ("service",),
            r"Cinder refuses this server's credentials \(403\): Policy doesn't allow .*roles \"member\" and \"service\"",
        ),
        (("reader", "service"), r"\(403\): Policy doesn't allow volume:create"),
        ((), "Keystone refuses this server's credentials"),
    ],
)
def test_a_role_that_is_missing(cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, roles: tuple[str, ...], said: str) -> None:
    ours = client(cloud.words("password", tmp_path, cloud.account(*roles)))
    with pytest.raises(Unavailable, match=said):
        ours.create_volume(NewVolume(size=1, name="refused"))


def test_an_application_credential_without_the_role_service(cloud: Cloud, cinder: SecuredCinder, tmp_path: Path) -> None:
    made = cloud.administrator.credential(cloud.user, PROJECT, "member")
    words = cloud.words("application_credential", tmp_path, secret=made.secret)
    with pytest.raises(Unavailable, match=r"\(401\).*\"service\""):
        client({**words, "credential_id": made.id}).volumes()
