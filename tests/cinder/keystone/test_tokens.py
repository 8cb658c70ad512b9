"""Tokens of the real Keystone: got once, kept, renewed when Keystone does not know them any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1.access import AccessInfo

from blockstore.connector import Connector
from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.passed import NewVolume
from metadata_server.engines.cinder.client import CinderClient
from testbed.cinder import SecuredCinder
from tests.cinder.keystone.conftest import OLD_REGION, Cloud, client

AUTHS = ("password", "application_credential")


class Sent:
    """What this process has sent, noted on the wire."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cinder: SecuredCinder, cloud: Cloud) -> None:
        self._all: list[dict[str, str]] = []
        self._cinder, self._keystone, noted, real = cinder.url, cloud.keystone.url, self._all, requests.Session.send

        def noting(session: requests.Session, request: requests.PreparedRequest, **words: Any) -> requests.Response:
            noted.append({"url": str(request.url), "method": str(request.method), **request.headers})
            return real(session, request, **words)

        monkeypatch.setattr(requests.Session, "send", noting)

    def to_cinder(self) -> list[dict[str, str]]:
        return [each for each in self._all if each["url"].startswith(self._cinder)]

    def for_a_token(self) -> int:
        return len([each for each in self._all if (each["method"], each["url"]) == ("POST", f"{self._keystone}/auth/tokens")])

    def token(self) -> str:
        """The last that Cinder was shown."""
        return self.to_cinder()[-1]["X-Auth-Token"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, cinder: SecuredCinder, cloud: Cloud) -> Sent:
    return Sent(monkeypatch, cinder, cloud)


@pytest.fixture(params=AUTHS)
def ours(request: pytest.FixtureRequest, cloud: Cloud, cinder: SecuredCinder, tmp_path: Path) -> CinderClient:
    return client(cloud.words(request.param, tmp_path))


def test_a_token_is_got_once_and_is_the_service_token_as_well(ours: CinderClient, sent: Sent) -> None:
    ours.volumes()
    ours.attachments({"none"})
    assert sent.for_a_token() == 1
    calls = sent.to_cinder()
    assert len(calls) == 2
    assert {each["X-Service-Token"] for each in calls} == {each["X-Auth-Token"] for each in calls} == {sent.token()}
    assert {each["OpenStack-API-Version"] for each in calls} == {"volume 3.54"}


def test_a_token_that_is_revoked_is_renewed(ours: CinderClient, sent: Sent, cloud: Cloud) -> None:
    ours.volumes()
    first = sent.token()
    cloud.administrator.revoke(first)
    ours.volumes()
    assert sent.token() != first


def test_a_token_that_is_expired_is_renewed(cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, sent: Sent) -> None:
    ours = client(cloud.words("password", tmp_path))
    cloud.keystone.stop()
    cloud.keystone.start(lifetime=4)
    try:
        with clock_behind():
            ours.volumes()
        first = sent.token()
        wait_for("its end", lambda: None if cloud.administrator.knows(first) else True, Deadline.after(30))
        with clock_behind():
            ours.volumes()
        assert sent.token() != first
    finally:
        cloud.keystone.stop()
        cloud.keystone.start()


@contextmanager
def clock_behind() -> Iterator[None]:
    """Ours against Keystone's: with a clock that is right a token is renewed before its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccessInfo, "will_expire_soon", lambda *_words, **_more: False)
        yield


def test_a_cinder_that_the_catalogue_names_by_its_version_is_found(
    cloud: Cloud, cinder: SecuredCinder, tmp_path: Path, sent: Sent
) -> None:
    ours = client({**cloud.words("password", tmp_path), "region": OLD_REGION})
    made = ours.create_volume(NewVolume(size=1, name="old"))
    wait_for("the volume", lambda: ours.volume(made.id).status == "available" or None, Deadline.after(30))
    assert made.id in {each.id for each in ours.volumes()}
    assert sent.to_cinder()[-1]["url"].startswith(f"{cinder.url}/{cloud.project}/volumes")


def test_the_whole_life_of_an_attachment_with_a_token_that_ends_before_each_call(
    ours: CinderClient, cloud: Cloud, sent: Sent
) -> None:
    def call(function: Any, *words: Any) -> Any:
        done = function(*words)
        cloud.administrator.revoke(sent.token())
        return done

    connector = Connector(initiator="iqn.2026-01.com.example:a", ip="127.0.0.1", host="a", platform="x86_64", os_type="linux")
    volume = call(ours.create_volume, NewVolume(size=1, name="ended")).id
    wait_for("the volume", lambda: ours.volume(volume).status == "available" or None, Deadline.after(30))
    attachment = call(ours.reserve, volume, "0d9f2f6e-2f6b-4a1c-8d53-6f0d3b3f3b11", "rw")
    assert call(ours.connect, attachment, connector, "rw")["volume_id"] == volume
    call(ours.complete, attachment)
    assert call(ours.attachment, attachment)[0].status == "attached"
    call(ours.release, attachment)
    assert call(ours.volume, volume).status == "available"
