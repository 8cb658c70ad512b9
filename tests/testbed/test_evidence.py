import io
import tarfile

from testbed.evidence import members, report, tail


def stream(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add("/dev/null", "folder/device")
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return data.getvalue()


def test_members_are_the_regular_files_by_absolute_path():
    assert members(stream({"var/log/a": b"1", "run/b": b""})) == {"/var/log/a": b"1", "/run/b": b""}


def test_tail_is_the_last_lines():
    assert tail("1\n2\n3\n", 2) == "2\n3"
    assert tail("1\n", 5) == "1"


def test_a_report_says_when_there_is_nothing():
    assert "--- web: console ---\n(nothing)" in report("web", {"console": ""})
