import pytest

from metadata_server.domain.errors import Invalid, OverLimit
from metadata_server.domain.quota import Usage, check, check_limits, check_size, resources

USAGE = Usage({"volumes": 2, "volumes_fast": 1, "gigabytes": 9, "gigabytes_fast": 4, "snapshots": 1})


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        ({}, {"volumes": 99, "gigabytes": 999}),
        ({"volumes": -1}, {"volumes": 99}),
        ({"volumes": 3, "gigabytes": 10}, {"volumes": 1, "gigabytes": 1}),
        ({"volumes_slow": 0}, {"volumes": 1}),
        ({"snapshots": 0}, {"volumes": 1}),
        ({"gigabytes": 1}, {"volumes": 1, "gigabytes": 0}),  # over it already, and no more
    ],
)
def test_what_fits(limits, asked):
    check(limits, USAGE, asked, "fast")


@pytest.mark.parametrize(
    ("limits", "asked", "said"),
    [
        (
            {"volumes": 2},
            {"volumes": 1},
            r"VolumeLimitExceeded: Maximum number of volumes allowed \(2\) exceeded for quota 'volumes'",
        ),
        ({"volumes_fast": 1}, {"volumes": 1}, "quota 'volumes_fast'"),
        ({"snapshots": 1}, {"snapshots": 1}, "SnapshotLimitExceeded: Maximum number of snapshots allowed"),
        ({"gigabytes": 10}, {"gigabytes": 2}, "allowed gigabytes quota. Requested 2G, quota is 10G and 9G has been consumed"),
        ({"gigabytes_fast": 4}, {"gigabytes": 1}, "gigabytes_fast quota"),
    ],
)
def test_what_does_not_fit_is_said_as_cinder_does(limits, asked, said):
    with pytest.raises(OverLimit, match=said):
        check(limits, USAGE, asked, "fast")


def test_one_volume_may_be_too_large_on_its_own():
    check_size({}, 99)
    check_size({"per_volume_gigabytes": -1}, 99)
    check_size({"per_volume_gigabytes": 2}, 2)
    with pytest.raises(OverLimit, match="3G is larger than maximum allowed limit 2G"):
        check_size({"per_volume_gigabytes": 2}, 3)


def test_only_what_there_is_can_have_a_limit():
    check_limits({"volumes": 5, "gigabytes_fast": -1}, ("fast",))
    assert {"volumes_fast", "snapshots_fast", "gigabytes_fast"} <= set(resources(("fast",)))
    for limits in ({"volumes_slow": 1}, {"cores": 1}, {"volumes": -2}, {"volumes": 2**31}):
        with pytest.raises(Invalid):
            check_limits(limits, ("fast",))
