"""connection_info of the transport ``iscsi``: Cinder's flat form, and ours beside it (mutual CHAP, algorithms, serial)."""

from __future__ import annotations

from blockstore import iqn
from blockstore.errors import DocumentInvalid, Fault
from blockstore.portal import Portal
from blockstore.reader import Faults, Reader, shown
from blockstore.secret import Secret
from blockstore.values import dataclass

# open-iscsi and tgt both cut a longer value off without a word (facts: 255 bytes in a record, 255 in tgt).
LONGEST_CHAP = 255
# SAM-5: what the flat addressing of a LUN can hold.
HIGHEST_LUN = 16383
KEYS = (
    "target_portal", "target_iqn", "target_lun", "target_portals", "target_iqns", "target_luns", "auth_method", "auth_username",
    "auth_password", "auth_username_in", "auth_password_in", "chap_algs", "serial", "volume_id", "access_mode",
)  # fmt: skip
CHAP_ALGORITHMS = ("MD5", "SHA1", "SHA256", "SHA3-256")


@dataclass(frozen=True)
class Chap:
    """The credentials of one attachment: ours towards the target, and (mutual CHAP) the target's towards us."""

    username: str
    password: Secret
    username_in: str = ""
    password_in: Secret | None = None


@dataclass(frozen=True, order=True)
class IscsiPath:
    """One way to a LUN; the identity of a connection, used as the key for sessions, logs and results."""

    portal: Portal
    iqn: str
    lun: int

    def __str__(self) -> str:
        return f"{self.iqn} LUN {self.lun} at {self.portal}"


@dataclass(frozen=True)
class IscsiConnection:
    """How to connect one volume over iSCSI. ``paths`` has at least one entry; the first is the preferred one."""

    paths: tuple[IscsiPath, ...]
    chap: Chap | None = None
    chap_algs: tuple[str, ...] = ()
    serial: str = ""
    volume_id: str = ""
    access_mode: str = "rw"

    driver_volume_type = "iscsi"

    def to_wire(self) -> dict[str, object]:
        """Cinder's flat form. Holds the secrets in the clear: for the owning instance's answer and nothing else."""
        first = self.paths[0]
        wire: dict[str, object] = {
            "driver_volume_type": self.driver_volume_type, "target_discovered": False, "target_portal": str(first.portal),
            "target_iqn": first.iqn, "target_lun": first.lun, "volume_id": self.volume_id, "access_mode": self.access_mode,
            "encrypted": False, "qos_specs": None, "cacheable": False, "enforce_multipath": False, "serial": self.serial,
        }  # fmt: skip
        if len(self.paths) > 1:
            wire["target_portals"] = [str(path.portal) for path in self.paths]
            wire["target_iqns"] = [path.iqn for path in self.paths]
            wire["target_luns"] = [path.lun for path in self.paths]
        if self.chap_algs:
            wire["chap_algs"] = list(self.chap_algs)
        return {**wire, **_chap_to_wire(self.chap)}


def _chap_to_wire(chap: Chap | None) -> dict[str, object]:
    if chap is None:
        return {}
    wire: dict[str, object] = {"auth_method": "CHAP", "auth_username": chap.username, "auth_password": chap.password.reveal()}
    if chap.password_in is not None:
        wire.update(auth_username_in=chap.username_in, auth_password_in=chap.password_in.reveal())
    return wire


def parse(reader: Reader) -> IscsiConnection | None:
    """Read the flat form (the nested one was opened by `blockstore.connection_info`). None where faults were noted."""
    paths = _paths(reader)
    chap = _chap(reader)
    algorithms = reader.texts("chap_algs") or ()
    for index, algorithm in enumerate(algorithms):
        if algorithm not in CHAP_ALGORITHMS:
            reader.faults.add(f"{reader.at('chap_algs')}[{index}]", f"must be one of {', '.join(CHAP_ALGORITHMS)}")
    mode = reader.choice("access_mode", ("rw", "ro")) or "rw"
    serial, volume_id = reader.text("serial") or "", reader.text("volume_id") or ""
    return IscsiConnection(paths, chap, algorithms, serial, volume_id, mode) if paths else None


def _paths(reader: Reader) -> tuple[IscsiPath, ...]:
    if "target_portals" in reader or "target_iqns" in reader or "target_luns" in reader:
        portals, names = reader.texts("target_portals") or (), reader.texts("target_iqns") or ()
        luns = reader.integers("target_luns", most=HIGHEST_LUN) or ()
        if not len(portals) == len(names) == len(luns) or not portals:
            reader.faults.add(reader.at("target_portals"), "target_portals, target_iqns and target_luns must be of one length")
            return ()
        found = [_path(reader, "target_portals", *path) for path in zip(portals, names, luns)]
    else:
        portal = reader.required_text("target_portal")
        name = reader.required_text("target_iqn")
        lun = reader.integer("target_lun", most=HIGHEST_LUN)
        if "target_lun" not in reader:
            reader.faults.add(reader.at("target_lun"), "a LUN number is needed")
        found = [_path(reader, "target_portal", portal, name, lun or 0)] if portal and name else []
        if lun is None:
            return ()
    return tuple(path for path in found if path is not None)


def _path(reader: Reader, key: str, portal: str, name: str, lun: int) -> IscsiPath | None:
    problem = iqn.fault(name)
    if problem:
        reader.faults.add(reader.at("target_iqn"), problem)
    try:
        path = IscsiPath(Portal.parse(portal), name, lun)
    except ValueError as error:
        reader.faults.add(reader.at(key), str(error))
        return None
    return None if problem else path


def _chap(reader: Reader) -> Chap | None:
    method = reader.text("auth_method")
    if method is None or method == "None":
        return None
    if method != "CHAP":
        reader.faults.add(reader.at("auth_method"), f"must be CHAP, not {shown(method)}")
        return None
    username, password = _credential(reader, "auth_username"), _credential(reader, "auth_password")
    username_in = password_in = ""
    if "auth_username_in" in reader or "auth_password_in" in reader:
        username_in, password_in = _credential(reader, "auth_username_in"), _credential(reader, "auth_password_in")
        # open-iscsi refuses it (auth.c, PASSWD_IDENTICAL): a target could otherwise answer with our own secret.
        if password_in and password_in == password:
            reader.faults.add(reader.at("auth_password_in"), "must differ from auth_password")
    return Chap(username, Secret(password), username_in, Secret(password_in) if password_in else None)


def _credential(reader: Reader, key: str) -> str:
    """A credential's text; its faults never quote it."""
    value = reader.required_text(key)
    if key in reader and reader.value(key) == "":
        reader.faults.add(reader.at(key), "is empty")
    elif len(value.encode()) > LONGEST_CHAP:
        reader.faults.add(reader.at(key), f"is longer than {LONGEST_CHAP} bytes")
    elif value != value.strip():
        reader.faults.add(reader.at(key), "has spaces at an end, which open-iscsi strips")
    return value


def from_wire(value: object, path: str = "connection_info") -> IscsiConnection:
    """Parse on its own. Raises `DocumentInvalid` with all faults."""
    faults = Faults()
    connection = parse(Reader(value, faults, path))
    faults.raise_any()
    if connection is None:
        raise DocumentInvalid([Fault(path, "is empty")])
    return connection
