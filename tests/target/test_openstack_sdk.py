"""openstacksdk, unchanged: snapshots, copies, types, quotas, pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

from testbed.server import LocalServer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:openstack.*"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*"),
]

TYPES = """
[volumes]
default = "slow"
[[volumes.types]]
name = "fast"
path = "{folder}/fast"
description = "on the good disk"
[[volumes.types]]
name = "slow"
path = "{folder}/slow"
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with two types."""
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "server.toml").write_text(TYPES.format(folder=folder))
    with LocalServer(folder / "state", options=("--config", str(folder / "server.toml"))) as running:
        yield running


@pytest.fixture
def storage(own: LocalServer) -> Iterator[Any]:
    connection = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_type="admin_token",
        auth={"endpoint": own.operator_url, "token": own.token},
        block_storage_endpoint_override=f"{own.operator_url}/v3", block_storage_api_version="3",
        volume_endpoint_override=f"{own.operator_url}/v3", region_name="",
    )  # fmt: skip
    yield connection.block_storage
    for snapshot in connection.block_storage.snapshots():
        connection.block_storage.delete_snapshot(snapshot)
    for volume in connection.block_storage.volumes(details=False):
        connection.block_storage.delete_volume(volume)
    connection.close()


def test_snapshots_and_copies(storage: Any) -> None:
    volume = storage.create_volume(name="source", size=1)
    snapshot = storage.create_snapshot(volume_id=volume.id, name="first", metadata={"a": "b"})
    storage.wait_for_status(snapshot, "available", interval=1, wait=10)
    snapshot = storage.get_snapshot(snapshot.id)
    assert (snapshot.volume_id, snapshot.size, snapshot.progress) == (volume.id, 1, "100%")
    assert storage.find_snapshot("first").id == storage.get_snapshot(snapshot.id).id == snapshot.id
    assert [each.id for each in storage.snapshots(details=True, volume_id=volume.id)] == [snapshot.id]
    storage.update_snapshot(snapshot, name="uno")
    storage.set_snapshot_metadata(snapshot, c="d")
    storage.delete_snapshot_metadata(storage.get_snapshot(snapshot.id), keys=["a"])
    assert storage.get_snapshot_metadata(snapshot).metadata == {"c": "d"}
    storage.reset_snapshot_status(snapshot, "error")
    storage.reset_snapshot_status(snapshot, "available")
    restored = storage.create_volume(snapshot_id=snapshot.id, size=2, name="restored")
    clone = storage.create_volume(source_volid=volume.id, size=1, name="clone")
    assert (restored.snapshot_id, clone.source_volume_id) == (snapshot.id, volume.id)
    storage.revert_volume_to_snapshot(volume, snapshot)
    assert storage.get_volume(volume.id).status == "available"
    storage.delete_snapshot(snapshot)
    with pytest.raises(openstack.exceptions.NotFoundException):
        storage.get_snapshot(snapshot.id)


def test_the_words_of_a_volume(storage: Any) -> None:
    volume = storage.create_volume(name="data", size=1, description="old", metadata={"a": "b"})
    storage.update_volume(volume, name="new", description="new")
    storage.set_volume_metadata(volume, c="d")
    storage.delete_volume_metadata(storage.get_volume(volume.id), keys=["a"])
    assert storage.get_volume_metadata(volume).metadata == {"c": "d"}
    storage.set_volume_bootable_status(volume, True)
    storage.set_volume_readonly(volume, True)
    found = storage.get_volume(volume.id)
    assert (found.name, found.description, found.is_bootable, found.metadata) == (
        "new",
        "new",
        True,
        {"c": "d", "readonly": "True"},
    )
    storage.set_volume_readonly(volume, False)
    storage.reset_volume_status(volume, "error", "", "")
    assert storage.get_volume(volume.id).status == "error"
    storage.reset_volume_status(volume, "available", "", "")
    storage.delete_volume(volume, force=True)


def test_types_are_the_configured_backends(storage: Any, own: LocalServer) -> None:
    assert [(each.name, each.description) for each in storage.types()] == [("slow", None), ("fast", "on the good disk")]
    kind = storage.find_type("fast")
    assert storage.get_type(kind.id).extra_specs == {"volume_backend_name": "fast"}
    folder = own.state.parent
    for wished, name in (("fast", "fast"), (None, "slow"), (kind.id, "fast")):
        volume = storage.create_volume(size=1, **({"volume_type": wished} if wished else {}))
        assert volume.volume_type == name
        assert Path(folder / name / volume.id).exists()
    copy = storage.create_volume(size=1, source_volid=volume.id)
    assert copy.volume_type == "fast"
    with pytest.raises(openstack.exceptions.BadRequestException, match="not compatible"):
        storage.create_volume(size=1, source_volid=volume.id, volume_type="slow")


def test_quotas_are_kept(storage: Any) -> None:
    assert storage.get_limits().absolute.max_total_volumes == -1
    assert storage.get_quota_set_defaults("any").volumes == -1
    storage.update_quota_set("any", volumes=2, gigabytes=3, snapshots=0, per_volume_gigabytes=2)
    try:
        first = storage.create_volume(size=1)
        for size, said in ((3, "larger than maximum allowed limit 2G"), (2, None), (1, "VolumeLimitExceeded")):
            if said is None:
                storage.create_volume(size=size)
                continue
            with pytest.raises(openstack.exceptions.HttpException, match=said) as caught:
                storage.create_volume(size=size)
            assert caught.value.status_code == 413
        with pytest.raises(openstack.exceptions.HttpException, match=r"gigabytes quota. Requested 1G, quota is 3G and 3G"):
            storage.extend_volume(first, 2)
        with pytest.raises(openstack.exceptions.HttpException, match="SnapshotLimitExceeded"):
            storage.create_snapshot(volume_id=first.id)
        usage = storage.get_quota_set("any", usage=True)
        assert (usage.usage["volumes"], usage.usage["gigabytes"], usage.volumes) == (2, 3, 2)
        limits = storage.get_limits().absolute
        assert (limits.total_volumes_used, limits.total_gigabytes_used, limits.max_total_volumes) == (2, 3, 2)
    finally:
        storage.revert_quota_set("any")
    assert storage.get_quota_set("any").volumes == -1


def test_pages_sorted_and_filtered(storage: Any, own: LocalServer) -> None:
    made = [storage.create_volume(name=name, size=1 + number % 2).id for number, name in enumerate("caebd")]
    # Two a page: the client follows the links.
    assert [each.id for each in storage.volumes(details=True, limit=2)] == made[::-1]
    assert [each.id for each in storage.volumes(marker=made[1], limit=1, paginated=False)] == [made[0]]
    assert [each.name for each in storage.volumes(name="e")] == ["e"]
    snapshots = [storage.create_snapshot(volume_id=made[0], name=str(number)).id for number in range(3)]
    assert [each.id for each in storage.snapshots(limit=1)] == snapshots[::-1]
    assert storage.summary(True).total_count == 5

    def names(**query: str | int) -> str:
        return "".join(each["name"] for each in own.client.get("/v3/volumes/detail", **query)["volumes"])

    assert names(sort="name:asc") == names(sort_key="name", sort_dir="asc") == "abcde"
    assert names(sort="size:desc,name:asc") == "abcde"
    assert names(sort="size:asc,name:desc") == "edcba"
    assert names(sort="size:desc,name", marker=made[3], limit=2) == "ae"
    assert names(**{"name~": "a"}) == "a"
    assert names(created_at=f"gt:{storage.get_volume(made[2]).created_at}") == "db"
    page = own.client.get("/v3/volumes", limit=2, offset=1, with_count="true", sort="name:asc")
    assert (page["count"], [each["name"] for each in page["volumes"]]) == (5, ["b", "c"])
    assert page["volumes_links"][0]["href"].endswith(f"limit=2&with_count=true&sort=name%3Aasc&marker={page['volumes'][1]['id']}")


def test_the_service(storage: Any) -> None:
    assert [each.name for each in storage.availability_zones()] == ["nova"]
    assert {each.host for each in storage.services()} == {"blockstore@slow", "blockstore@fast"}
    assert len(list(storage.backend_pools())) == 2
    assert list(storage.extensions()) == []
    assert {each.resource for each in storage.resource_filters()} == {"volume", "snapshot", "attachment"}
