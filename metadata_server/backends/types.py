"""Volume types: each is one configured backend. Read from ``[volumes]``, opened once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from blockstore.reader import Reader
from metadata_server.backends import REGISTRY, Backend, Settings
from metadata_server.backends.protocol import Observer
from metadata_server.domain.errors import Invalid, Unavailable
from metadata_server.domain.volume_type import type_id

LONGEST_NAME = 63


@dataclass(frozen=True)
class VolumeType:
    """``backend`` is the name in the registry, ``name`` what users ask for."""

    name: str
    backend: str
    settings: Settings
    description: str = ""


def read_types(reader: Reader, state: Path) -> tuple[VolumeType, ...]:
    """The types of ``[volumes]``, the default one first. ``backend`` and its keys there are the one type of that name; or each
    ``[[volumes.types]]`` is one, and ``default`` says which is meant where none is wished (else the first)."""
    if "types" not in reader:
        return (_type(reader, state, named=False),)
    reader.only(("types", "default"))
    found = tuple(_type(each, state, named=True) for each in reader.each("types"))
    names = [each.name for each in found]
    default = reader.choice("default", names)
    for index, each in enumerate(found):
        if each.name in names[:index]:
            reader.faults.add(f"{reader.at('types')}[{index}].name", f"{each.name!r} is there twice")
        if each.settings in [other.settings for other in found[:index]]:
            reader.faults.add(f"{reader.at('types')}[{index}]", "is the same place as another type's")
    if not found:
        reader.faults.add(reader.at("types"), "must have at least one type")
    return tuple(sorted(found, key=lambda each: each.name != (default or names[0])))


def _type(reader: Reader, state: Path, *, named: bool) -> VolumeType:
    backend = reader.choice("backend", REGISTRY) or "sparse"
    name, description = backend, ""
    if named:
        name = reader.required_text("name", check=_name_fault)
        description = reader.text("description") or ""
    own = ("backend", "name", "description") if named else ("backend", "types", "default")
    rest = {key: reader.value(key) for key in reader.names() if key not in own}
    return VolumeType(name, backend, REGISTRY[backend](Reader(rest, reader.faults, reader.path), state), description)


def _name_fault(text: str) -> str | None:
    return None if 0 < len(text) <= LONGEST_NAME else f"has from 1 to {LONGEST_NAME} characters"


class Backends:
    """The backend of every type, opened; ``types`` as `read_types` gives them."""

    def __init__(self, types: tuple[VolumeType, ...], observe: Observer) -> None:
        self.types: Mapping[str, VolumeType] = {each.name: each for each in types}
        self._open = {each.name: each.settings.open(observe) for each in types}

    @property
    def default(self) -> str:
        """The type of a volume for which none was wished."""
        return next(iter(self.types))

    def check(self) -> None:
        """See `Backend.check`, of all of them. Raises `Unavailable`."""
        for each in self._open.values():
            each.check()

    def wished(self, name: str) -> str:
        """The type that a user asks for, by name or id ("" for the default one). Raises `Invalid`."""
        name = next((each for each in self.types if type_id(each) == name), name)
        if name and name not in self.types:
            raise Invalid(f"Volume type with name {name} could not be found; there are {', '.join(self.types)}.")
        return name or self.default

    def of(self, name: str) -> Backend:
        """The backend of a volume of this type. Raises `Unavailable` where it is not configured any more."""
        if name not in self._open:
            raise Unavailable(
                f"there are volumes of the type {name}, which is not configured",
                hint=f'[[volumes.types]] with name = "{name}" in the configuration',
            )
        return self._open[name]

    def __iter__(self) -> Iterator[tuple[str, Backend]]:
        return iter(self._open.items())
