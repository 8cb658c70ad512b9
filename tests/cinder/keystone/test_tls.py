"""Keystone and Cinder behind TLS: whoever is not signed by `ca_cert` gets neither password nor token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from metadata_server.domain.errors import Unavailable
from testbed.cinder import SecuredCinder
from tests.cinder.keystone.conftest import Cloud, client
from tests.cinder.terminator import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def words(cloud: Cloud, cinder: SecuredCinder, authority: Authority, tmp_path: Path) -> Iterator[dict[str, str]]:
    """``[cinder]`` with both behind TLS, and the authority that signed for them."""
    with authority.terminating(cloud.keystone.url) as keystone, authority.terminating(cinder.url) as url:
        project = f"{url}/{cloud.project}" if url.endswith("/v3") else url
        yield {**cloud.words("password", tmp_path), "auth_url": keystone, "endpoint": project, "ca_cert": str(authority.ca)}


def test_both_are_asked_by_https(words: dict[str, str]) -> None:
    assert client(words).volumes() is not None


@pytest.mark.parametrize("ca_cert", ["another", ""])
def test_an_authority_that_is_not_ours_is_refused(words: dict[str, str], tmp_path: Path, ca_cert: str) -> None:
    other = Authority(tmp_path / "other")
    words["ca_cert"] = str(other.ca) if ca_cert else ""
    with pytest.raises(Unavailable, match=r"certificate.*ca_cert"):
        client(words).volumes()


def test_a_cinder_of_another_authority_is_refused(words: dict[str, str], cinder: SecuredCinder, tmp_path: Path) -> None:
    with Authority(tmp_path / "other").terminating(cinder.url) as url:
        words["endpoint"] = url
        with pytest.raises(Unavailable, match=r"Cinder does not answer: .*certificate.*ca_cert"):
            client(words).volumes()


def test_a_file_that_went_away_is_named(words: dict[str, str]) -> None:
    words["ca_cert"] = "/nowhere/ca.pem"
    with pytest.raises(Unavailable, match=r"\[cinder\] ca_cert cannot be read"):
        client(words).volumes()
