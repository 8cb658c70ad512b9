"""The first boot of an instance without volumes: the same outcome as the whole run's, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blockstore.report import Report
from cc_blockstore import bootstrap, exchange, idle, said, unchanged
from cc_blockstore.document import parse, sources
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.seal import MOMENT

TOKEN = "Plant3dT0ken"
PLAIN = {"endpoint": "http://169.254.169.254:8775", "token": TOKEN, "initiator_name": "iqn.2018-12.com.leftasexercise:web-1"}
DATASOURCE, USER_DATA = said.FILES


class Service:
    """Lists what it was told to, takes reports; a `with` block of `exchange.Line` and the client of the whole run, both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listed: list[Any] = []
        self.asked: list[Mapping[str, str]] = []
        self.reports: list[Any] = []
        self.refusal: Exception | None = None
        monkeypatch.setattr(exchange, "Line", self._line)
        monkeypatch.setattr(bootstrap, "client_of", lambda document, machine: self)

    def _line(self, seconds: float, **words: str) -> Service:
        self.asked.append(words)
        return self

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *exception: object) -> None:
        """Closed."""

    def attachments(self, deadline: Any = None) -> Any:
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed if deadline is None else ((), ())

    def report(self, report: Any, deadline: Any = None) -> None:
        if self.refusal:
            raise self.refusal
        self.reports.append(report.to_wire() if isinstance(report, Report) else report)


class Instance:
    """A machine made of files, twice: for the short way, and for the whole run."""

    def __init__(self, root: Path) -> None:
        self.root, self.instance_id = root, "i-1"
        self.cfg: Any = {"blockstore": dict(PLAIN)}
        self.metadata: Any = {}

    def write(self, name: str, content: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(content)

    def short(self) -> bool:
        cloud = SimpleNamespace(datasource=SimpleNamespace(metadata=self.metadata), get_instance_id=lambda: self.instance_id)
        return idle.nothing_to_do(self.cfg, cloud, self.root)

    def whole(self) -> None:
        bootstrap.run(Machine(Paths(self.root), sync=lambda: None), self.cfg, self.metadata, self.instance_id)

    @property
    def left(self) -> dict[str, Any]:
        """All files, but for what is of one run alone."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            content: Any = path.read_text() if path.is_file() else ""
            if path.suffix == ".json":
                content = json.loads(content)
                content = {key: content[key] for key in content if key not in MOMENT}
            found[str(path.relative_to(self.root))] = (oct(path.stat().st_mode), content)
        return found


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service(monkeypatch)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path / "short")


def says(**document: Any) -> Callable[[Instance], None]:
    return lambda instance: setattr(instance, "cfg", {"blockstore": {**PLAIN, **document}})


def lacks(*keys: str) -> Callable[[Instance], None]:
    return lambda instance: setattr(instance, "cfg", {"blockstore": {key: PLAIN[key] for key in PLAIN if key not in keys}})


def in_files(**texts: str) -> Callable[[Instance], None]:
    def change(instance: Instance) -> None:
        instance.cfg, instance.metadata = (
            {},
            {"blockstore": {"endpoint": "http://public:1", "initiator_name": "iqn.2018-12.x:low"}},
        )
        for name, text in zip((DATASOURCE, USER_DATA), texts.values()):
            instance.write(name, text)

    return change


def odd(change: Callable[[Instance], None], instance_id: str) -> Callable[[Instance], None]:
    def both(instance: Instance) -> None:
        change(instance)
        instance.instance_id = instance_id

    return both


SAME: dict[str, Callable[[Instance], None]] = {
    "all that is plain": lambda instance: None,
    "the name is derived": lacks("initiator_name"),
    "of an id that no name can spell": lambda instance: odd(lacks("initiator_name"), "I_1")(instance),
    "without a token": lacks("token"),
    "an empty token": says(token=""),
    "a deadline": says(deadline=5),
    "no wishes": says(volumes={}),
    "in TLS": says(endpoint="https://service"),
    "a part from the datasource": lambda instance: setattr(instance, "metadata", {"blockstore": {"token": "x", "deadline": 60}}),
    "kept by the datasource": in_files(datasource=yaml.safe_dump({"token": f"{TOKEN}0"}), user_data=yaml.safe_dump(PLAIN)),
    "the name is there": lambda instance: instance.write(
        unchanged.INITIATOR, f"# theirs\nInitiatorName={PLAIN['initiator_name']}\n"
    ),
    "another name is there": lambda instance: instance.write(unchanged.INITIATOR, "InitiatorName=iqn.2000-01.x:y\n"),
    "the root file system is on iSCSI": lambda instance: instance.write("run/initramfs/open-iscsi.interface", ""),
    "it had been idle": lambda instance: instance.write(unchanged.SEAL, "{}"),
}  # fmt: skip


@pytest.mark.parametrize("change", SAME)
def test_it_leaves_behind_what_the_whole_run_does(service: Service, tmp_path: Path, change: str) -> None:
    short, whole = Instance(tmp_path / "short"), Instance(tmp_path / "whole")
    for each in (short, whole):
        SAME[change](each)
    assert short.short()
    whole.whole()
    assert short.left == {
        key: (mode, json.loads(json.dumps(content).replace(str(whole.root), str(short.root))))
        if not key.endswith("seal.json")
        else (mode, {**content, "inputs": short.left[key][1]["inputs"]})
        for key, (mode, content) in whole.left.items()
    }
    mine, theirs = ({key: each[key] for key in each if key not in MOMENT} for each in service.reports)
    assert mine == theirs
    assert {*service.reports[0]} == {*service.reports[1], "uptime_ms"}
    told = json.loads((short.root / unchanged.STATUS).read_text())
    assert told == service.reports[0]
    assert TOKEN not in json.dumps(told)


@pytest.mark.parametrize("change", SAME)
def test_the_next_boot_finds_nothing_to_do(
    service: Service, instance: Instance, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    SAME[change](instance)
    assert instance.short()
    (instance.root / unchanged.STATUS).unlink()
    monkeypatch.setattr(exchange, "attachments", lambda endpoint, token, ca_cert: [])
    cloud = SimpleNamespace(datasource=SimpleNamespace(metadata=instance.metadata), get_instance_id=lambda: instance.instance_id)
    assert unchanged.nothing_to_do(instance.cfg, cloud, instance.root)
    told = json.loads((instance.root / unchanged.STATUS).read_text())
    assert {*told} == {*service.reports[0]}


def test_the_highest_priority_counts(service: Service, instance: Instance) -> None:
    instance.cfg = {"blockstore": {"token": "cloud-config"}}
    instance.metadata = {"blockstore": {"endpoint": "http://metadata", "token": "metadata", "initiator_name": "iqn.2018-12.x:m"}}
    instance.write(DATASOURCE, "endpoint: http://datasource\ntoken: datasource\n")
    instance.write(USER_DATA, "initiator_name: iqn.2018-12.x:u\n")
    assert instance.short()
    assert service.asked == [{"endpoint": "http://datasource", "token": "cloud-config", "ca_cert": ""}]
    assert service.reports[0]["initiator_name"] == "iqn.2018-12.x:u"


NOT: dict[str, Callable[[Instance], None]] = {
    "nobody wrote a document": lambda instance: setattr(instance, "cfg", {}),
    "no service": lacks("endpoint"),
    "nothing": says(token=None),
    "a wish": says(volumes={"*": {}}),
    "a wish of lower priority": lambda instance: (
        says(volumes={})(instance), setattr(instance, "metadata", {"blockstore": {"volumes": {"a": {"required": True}}}}),
    )[0],
    "wishes that are none": says(volumes=[]),
    "attachments": says(attachments=[]),
    "certificates": says(ca_cert="/ca.pem"),
    "a word that nobody knows": says(tokem="x"),
    "a key that is no text": lambda instance: setattr(instance, "cfg", {"blockstore": {**PLAIN, 1: "x"}}),
    "no mapping": lambda instance: setattr(instance, "cfg", {"blockstore": "x"}),
    "an empty list": lambda instance: setattr(instance, "metadata", {"blockstore": []}),
    "an empty text": lambda instance: setattr(instance, "metadata", {"blockstore": ""}),
    "a token that is none": says(token=["x"]),
    "a token with a blank": says(token="a b"),
    "a token with a line end": says(token="a\nb"),
    "an endpoint with a user": says(endpoint="http://u:p@service"),
    "an endpoint of another kind": says(endpoint="ftp://service"),
    "an endpoint with a path": says(endpoint="http://service/prefix"),
    "an endpoint in IPv6": says(endpoint="http://[::1]:80"),
    "an endpoint without a host": says(endpoint="http://:80"),
    "an endpoint without a port's number": says(endpoint="http://service:http"),
    "an endpoint at no port": says(endpoint="http://service:0"),
    "an endpoint beyond the ports": says(endpoint="http://service:65536"),
    "an initiator name that is none": says(initiator_name="Web 1"),
    "an empty initiator name": says(initiator_name=""),
    "too soon": says(deadline=4),
    "too late": says(deadline=3601),
    "a deadline that is none": says(deadline=True),
    "a deadline in words": says(deadline="60"),
    "a file of the administrator's": lambda instance: instance.write("etc/blockstore/conf.d/a.yaml", "deadline: 5\n"),
    "a volume of before": lambda instance: instance.write("var/lib/blockstore/volumes/v1.json", "{}"),
    "a run in this boot": lambda instance: instance.write(unchanged.STATUS, "{}"),
    "what only YAML reads": lambda instance: instance.write(DATASOURCE, 'token: "x1234567890"\n'),
    "a file that is empty": lambda instance: (says(token=None)(instance), instance.write(DATASOURCE, ""))[0],
}  # fmt: skip


@pytest.mark.parametrize("change", NOT)
def test_everything_else_is_left_to_the_whole_run(service: Service, instance: Instance, change: str) -> None:
    instance.root.mkdir()
    NOT[change](instance)
    before = instance.left
    assert not instance.short()
    assert instance.left == before
    assert not service.asked


@pytest.mark.parametrize("listed", [[{"id": "a1"}], OSError("refused"), ValueError("another status"), RuntimeError("x")])
def test_so_is_a_service_that_lists_something_or_nothing_that_is_understood(
    service: Service, instance: Instance, listed: Any
) -> None:
    service.listed = listed
    assert not instance.short()
    assert {*instance.left} == {"run", "run/blockstore", "run/blockstore/lock"}
    assert not service.reports


def test_a_report_that_is_refused_is_told_by_the_whole_run(service: Service, instance: Instance) -> None:
    service.refusal = ValueError("another status")
    assert not instance.short()
    assert not (instance.root / unchanged.STATUS).exists()
    assert not (instance.root / unchanged.SEAL).exists()


def test_a_run_of_somebody_else_is_waited_for_by_the_whole_run(service: Service, instance: Instance) -> None:
    with unchanged.Alone(instance.root):
        assert not instance.short()
    assert not service.asked


TEXTS = st.one_of(
    st.sampled_from(["", "http://s", "http://s:80", "https://1.2.3.4:65535", "http://a b", "http://s:080", "http://-"]),
    st.just("iqn.2018-12.x:y"),
    st.text(alphabet="ahiqn.:/-012589 @\n\x7fé[]", max_size=20),
    st.integers(),
    st.none(),
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(["endpoint", "token", "initiator_name", "deadline", "volumes", "x"]),
    st.one_of(TEXTS, st.just({}), st.integers(0, 4000)), max_size=4,
)  # fmt: skip


@given(upper=DOCUMENTS, lower=DOCUMENTS, usual=st.booleans())
def test_what_is_taken_for_right_is_right(upper: Any, lower: Any, usual: bool) -> None:
    cfg, metadata = {"blockstore": {**(PLAIN if usual else {}), **upper}}, {"blockstore": lower}
    root = Path("/nonexistent")
    try:
        document = idle._plain(cfg, metadata, root)
    except ValueError:
        return
    if document is not None:
        whole = parse.parse(sources.gather(cfg, metadata, Paths(root)))
        token = whole.token.reveal() if whole.token else ""
        assert (whole.endpoint, token) == (document["endpoint"], document.get("token", ""))
        assert whole.initiator_name == document.get("initiator_name", "")
        assert (whole.ca_cert, whole.attachments, whole.wishes) == ("", None, ())


LINES = st.lists(
    st.tuples(
        st.sampled_from(["endpoint", "token", "initiator_name", "tok en", "'token'", ""]),
        st.sampled_from([": ", ":", ":  ", " : "]),
        st.one_of(
            st.text(alphabet="ahitrueNonull.:/_-#'\"&*!|>%@` 0159", max_size=20),
            st.sampled_from(["http://s:80", "iqn.2018-12.com.x:web-1", "abcdefghijk", "2026-11-29", "0x12345678", "true"]),
        ),
        st.sampled_from(["\n", "\r\n", "\n\n", "\x85", "\u2028"]),
    ).map("".join),
    max_size=3,
)  # fmt: skip


@given(lines=LINES)
def test_what_is_read_without_yaml_is_what_yaml_reads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "kept.yaml"
    path.write_bytes("".join(lines).encode())
    try:
        found = idle._lines(str(path))
    except ValueError:
        return
    assert found == (sources.load(path.read_bytes().decode(), "kept") or {})
