"""Wishes: read as they are written, each word may be absent; laid over each other; then made complete.

The layers, in order of rising priority: the volume's metadata at the server, then the volume's name and its id in the
instance's own document, or ``"*"`` where that document names neither.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping

from blockstore.reader import Faults, Reader, kind, shown
from blockstore.size import parse_size
from blockstore.values import dataclass, replace
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish

FILESYSTEM_KEYS = ("filesystem", "label", "mount", "options", "owner", "mode")
KEYS = ("partition_table", "partitions", *FILESYSTEM_KEYS, "required", "grow", "overwrite")
METADATA_PREFIX = "blockstore."
NONE = "none"
# What a signed number of bytes can hold (off_t), and what a GPT has room for as every tool writes it.
LARGEST = 1 << 63
MOST_PARTITIONS = 128
# limits.h, both without the NUL.
LONGEST_PATH, LONGEST_PART = 4095, 255
# The highest is "no change" to chown(2).
HIGHEST_ID = (1 << 32) - 2

# Mounting over these would take the running system away from under itself.
SYSTEM_FOLDERS = frozenset(
    {"/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys"}
    | {"/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin", "/var", "/var/lib", "/var/run"}  # noqa: S108 - a name
)
# And nothing below these either: the kernel's, the boot's, and what this project and those that it works with keep.
SYSTEM_TREES = (
    "/dev", "/etc/blockstore", "/etc/cloud", "/etc/iscsi", "/proc", "/run/blockstore", "/run/cloud-init", "/run/lock",
    "/run/systemd", "/run/udev", "/sys", "/var/lib/blockstore", "/var/lib/cloud", "/var/lib/iscsi", "/var/run",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What one layer says of a volume, or of a partition; None where it says nothing."""

    partition_table: str | None = None
    partitions: tuple[tuple[int | None, Words], ...] | None = None
    filesystem: str | None = None
    label: str | None = None
    mount: str | None = None
    options: tuple[str, ...] | None = None
    owner: str | None = None
    mode: int | None = None
    required: bool | None = None
    grow: bool | None = None
    overwrite: bool | None = None


def read(reader: Reader) -> Words:
    """Read one layer from a document."""
    reader.only(KEYS)
    partitions = tuple(_partition(each) for each in reader.each("partitions")) if "partitions" in reader else None
    if partitions == () and isinstance(reader.value("partitions"), (list, tuple)):
        reader.faults.add(reader.at("partitions"), "must name at least one partition")
    if partitions and len(partitions) > MOST_PARTITIONS:
        reader.faults.add(reader.at("partitions"), f"must name at most {MOST_PARTITIONS} partitions")
    return replace(
        _filesystem_words(reader),
        partition_table=reader.choice("partition_table", ("gpt", NONE)),
        partitions=partitions,
        required=reader.boolean("required"),
        grow=reader.boolean("grow"),
        overwrite=reader.boolean("overwrite"),
    )


def _partition(reader: Reader) -> tuple[int | None, Words]:
    reader.only(("size", *FILESYSTEM_KEYS))
    return _size(reader), _filesystem_words(reader)


def _size(reader: Reader) -> int | None:
    value = reader.value("size")
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        text = reader.required_text("size")
        if text in ("rest", ""):
            return None
        try:
            size = parse_size(text)
        except ValueError as error:
            reader.faults.add(reader.at("size"), str(error))
            return None
    if size < 1 << 20:
        reader.faults.add(reader.at("size"), "must be at least 1MiB")
    if size > LARGEST:
        reader.faults.add(reader.at("size"), "must be at most 8388608TiB")
        return None
    return size >> 20 << 20


def _filesystem_words(reader: Reader) -> Words:
    return Words(
        filesystem=reader.choice("filesystem", (*FILESYSTEMS, NONE)),
        label=reader.text("label", check=_label_fault),
        mount=reader.text("mount", check=_mount_fault),
        options=_options(reader),
        owner=reader.text("owner", check=_owner_fault),
        mode=_mode(reader),
    )


def _label_fault(label: str) -> str | None:
    if "/" in label or '"' in label:
        return "must not contain '/' or '\"'"
    return "must not begin or end with a space" if label != label.strip() else None


def _mount_fault(path: str) -> str | None:
    if path == NONE:
        return None
    if not path.startswith("/") or posixpath.normpath(path) != path or path.startswith("//"):
        return f"must be an absolute path without '.', '..' or a slash at its end, not {shown(path)}"
    if belongs_to_the_system(path):
        return f"{path} belongs to the running system"
    if any(character.isspace() and character != " " for character in path):
        return "must not hold any other space than ' '"  # to some readers of fstab it ends the word
    if len(path.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in path.split("/")):
        return "is longer than a path can be"
    return None


def belongs_to_the_system(path: str) -> bool:
    """Whether nothing may be mounted there, because the running system needs what is."""
    return path in SYSTEM_FOLDERS or f"{path}/".startswith(tuple(f"{tree}/" for tree in SYSTEM_TREES))


_OPTION = r"[^\s,#\\\"']+"


def _options(reader: Reader) -> tuple[str, ...] | None:
    options = reader.texts("options")
    for index, option in enumerate(options or ()):
        if not re.fullmatch(_OPTION, option):
            reader.faults.add(f"{reader.at('options')}[{index}]", f"{shown(option)} is not one mount option")
        elif option.startswith("x-blockstore."):
            reader.faults.add(f"{reader.at('options')}[{index}]", "marks the lines of fstab that are ours")
        elif option.startswith("x-systemd.") and "cloud-" in option:
            reader.faults.add(f"{reader.at('options')}[{index}]", "naming a unit of cloud-init would dead-lock the boot")
    return options


_OWNER = r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?(:[A-Za-z0-9_][A-Za-z0-9_.-]*\$?)?"


def _owner_fault(owner: str) -> str | None:
    if not re.fullmatch(_OWNER, owner) or len(owner) > LONGEST_PART:
        return f"must be USER or USER:GROUP, not {shown(owner)}"
    if any(name.isdecimal() and int(name) > HIGHEST_ID for name in owner.split(":")):
        return f"an id is at most {HIGHEST_ID}"
    return None


def _mode(reader: Reader) -> int | None:
    value = reader.value("mode")
    if value is None:
        return None
    # A number would be a guess: YAML 1.1 reads 0750 as 488, and 750 as it stands.
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3,4}", value):
        return int(value, 8)
    found = shown(value) if isinstance(value, str) else kind(value)
    reader.faults.add(reader.at("mode"), f'must be an octal mode in quotes, such as "0750", not {found}')
    return None


def from_metadata(metadata: Mapping[str, str], faults: Faults) -> Words | None:
    """The layer that the server's volume metadata holds (``blockstore.mount`` …), all values texts; None where it has none."""
    found = {key[len(METADATA_PREFIX) :]: value for key, value in metadata.items() if key.startswith(METADATA_PREFIX)}
    if not found:
        return None
    return read(Reader({key: _from_text(key, value) for key, value in found.items()}, faults, "metadata.blockstore"))


def _from_text(key: str, value: str) -> object:
    if key in ("required", "grow", "overwrite"):
        return {"true": True, "false": False}.get(value.lower(), value)
    if key == "options":
        return [option for option in value.split(",") if option]
    if key == "partitions":
        return _partitions_from_text(value)
    return value


def _partitions_from_text(value: str) -> object:
    """``20GiB ext4 /srv/a, rest xfs /srv/b``: size, file system, mount point."""
    partitions = []
    for entry in value.split(","):
        words = entry.split()
        partitions.append(dict(zip(("size", "filesystem", "mount"), words)) if 0 < len(words) < 4 else entry)
    return partitions


def layered(layers: Iterable[Words]) -> Words:
    """The layers as one; a later layer has the higher priority."""
    result = Words()
    for layer in layers:
        said = {name: value for name, value in vars(layer).items() if value is not None}
        result = replace(_without_overruled(result, said), **said)
    return result


def _without_overruled(below: Words, said: Collection[str]) -> Words:
    """What a lower layer said of one file system is void where a higher one names partitions, and the other way round."""
    if "partitions" in said:
        return replace(below, **dict.fromkeys((*FILESYSTEM_KEYS, "partition_table")))
    if below.partitions is not None and any(key in said for key in (*FILESYSTEM_KEYS, "partition_table")):
        return replace(below, partitions=None)
    return below


def complete(words: Words, faults: Faults, path: str) -> VolumeWish:
    """The whole wish, with defaults, and with the faults that only show when all words are together."""
    table = Table(words.partition_table or Table.GPT.value)
    own = [key for key in FILESYSTEM_KEYS if getattr(words, key) is not None]
    partitions: tuple[PartitionWish, ...] = ()
    filesystem = None
    if words.partitions is not None:
        if table is Table.NONE:
            faults.add(f"{path}.partitions", "needs partition_table: gpt")
        if own:
            faults.add(f"{path}.{own[0]}", "belongs into the entries of 'partitions' where there are any")
        partitions = _partitions(words.partitions, faults, path)
    elif table is Table.GPT:
        partitions = (PartitionWish(None, _filesystem(words, faults, path)),)
    else:
        filesystem = _filesystem(words, faults, path)
    grow = words.grow if words.grow is not None else True
    return VolumeWish(table, partitions, filesystem, words.required or False, grow, words.overwrite or False)


def _partitions(entries: tuple[tuple[int | None, Words], ...], faults: Faults, path: str) -> tuple[PartitionWish, ...]:
    for index, (size, _) in enumerate(entries[:-1]):
        if size is None:
            faults.add(f"{path}.partitions[{index}].size", "only the last partition can have the rest")
    return tuple(
        PartitionWish(size, _filesystem(words, faults, f"{path}.partitions[{index}]"))
        for index, (size, words) in enumerate(entries)
    )


def _filesystem(words: Words, faults: Faults, path: str) -> FilesystemWish:
    kind = words.filesystem or "ext4"
    mount = "" if words.mount in (None, NONE) else str(words.mount)
    mountable = kind in FILESYSTEMS and FILESYSTEMS[kind].mountable
    if mount and not mountable:
        faults.add(f"{path}.mount", f"a volume with filesystem {kind} is not mounted")
    for key in ("owner", "mode"):
        if getattr(words, key) is not None and not mount:
            faults.add(f"{path}.{key}", "needs a mount point")
    label_fault = FILESYSTEMS[kind].label_fault(words.label or "") if kind in FILESYSTEMS else None
    if label_fault:
        faults.add(f"{path}.label", label_fault)
    if kind == NONE and words.label:
        faults.add(f"{path}.label", "needs a file system")
    return FilesystemWish(kind, words.label or "", mount, words.options or (), words.owner or "", words.mode)
