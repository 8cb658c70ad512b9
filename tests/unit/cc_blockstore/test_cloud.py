"""What is asked of cloud-init."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cc_blockstore import cloud


@pytest.mark.parametrize(("metadata", "found"), [({"a": 1}, {"a": 1}), (None, {}), ("text", {}), ([], {})])
def test_metadata_that_is_no_mapping_is_none(metadata, found):
    assert cloud.metadata(SimpleNamespace(datasource=SimpleNamespace(metadata=metadata))) == found
    assert cloud.metadata(SimpleNamespace(datasource=object())) == {}


def test_the_instance_id_is_a_text():
    assert cloud.instance_id(SimpleNamespace(get_instance_id=lambda: 12)) == "12"
