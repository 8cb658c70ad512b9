from testbed import cache


def test_equal_parts_give_equal_names_and_their_borders_count():
    assert cache.key("ab", b"c") == cache.key(b"ab", "c")
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_the_folder_is_the_environment_s_when_it_names_one(tmp_path, monkeypatch):
    monkeypatch.setenv("BLOCKSTORE_CACHE", str(tmp_path / "given"))
    assert cache.folder() == tmp_path / "given"
    assert cache.folder().is_dir()


def test_scratch_is_gone_afterwards_whatever_happens():
    with cache.scratch() as place:
        (place / "file").write_bytes(b"")
    assert not place.exists()
