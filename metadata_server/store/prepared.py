"""Statements of nearly every request, compiled once: to have SQLAlchemy build one costs several times its execution."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary, ref

import sqlalchemy
from sqlalchemy import CompoundSelect, Delete, Dialect, Insert, Select, Update, exc

Process = Callable[[Any], Any]


class Prepared:
    """One statement, with named parameters (`bindparam`); its types are those of the columns, encrypted ones too."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        # By dialect, because that is what carries the keys of encrypted columns.
        self._forms: WeakKeyDictionary[Dialect, _Form] = WeakKeyDictionary()
        self._last: tuple[Callable[[], Dialect | None], _Form] | None = None  # nearly always the one

    def rows(self, connection: sqlalchemy.Connection, **values: object) -> list[Any]:
        """What a SELECT finds, or RETURNING tells: named tuples of the columns' values; columns of one name are numbered."""
        form = self._form(connection.dialect)
        return [form.row(found) for found in form.found(connection, form.parameters(values))]

    def first(self, connection: sqlalchemy.Connection, **values: object) -> Any:
        """The first row, None where there is none."""
        form = self._form(connection.dialect)
        found = form.found(connection, form.parameters(values))
        return form.row(found[0]) if found else None

    def write(self, connection: sqlalchemy.Connection, **values: object) -> int:
        """How many rows were written."""
        form = self._form(connection.dialect)
        return int(form.run(connection, form.parameters(values)).rowcount)

    def _form(self, dialect: Dialect) -> _Form:
        if self._last is not None and self._last[0]() is dialect:
            return self._last[1]
        form = self._forms.get(dialect)
        if form is None:
            form = self._forms[dialect] = _Form(self._statement, dialect)
        self._last = ref(dialect), form
        return form


class _Form:
    """The statement as one driver is told it."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text: str = str(compiled)
        # SQLite has no connection that could be lost: its driver is asked without SQLAlchemy's way there, which takes longer.
        self._direct = dialect.name == "sqlite"
        # SQLAlchemy may have had to call a parameter otherwise in the text.
        names = {key.key: name for key, name in compiled.bind_names.items()}
        # What the statement itself says, such as a LIMIT.
        self._said = {key.key: key.effective_value for key in compiled.bind_names if not key.required}
        processes: Mapping[str, Process] = compiled._bind_processors
        keys = {name: key for key, name in names.items()}
        self._by_place = compiled.positiontup is not None
        self._names: list[str] = compiled.positiontup or list(keys)
        self._keys = [keys[name] for name in self._names]
        self._processes = [(place, processes[name]) for place, name in enumerate(self._names) if name in processes]
        columns = list(statement.exported_columns)
        self._kind: Any = namedtuple("Row", [each.key for each in columns], rename=True)  # type: ignore[misc]
        found = [each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns]
        self._result = tuple((place, process) for place, process in enumerate(found) if process is not None)

    def run(self, connection: sqlalchemy.Connection, parameters: Any) -> Any:
        """The cursor, or what SQLAlchemy gives in its place. Raises SQLAlchemy's errors."""
        if not self._direct:
            return connection.exec_driver_sql(self._text, parameters)
        return direct(connection, self._text, parameters)

    def found(self, connection: sqlalchemy.Connection, parameters: Any) -> Any:
        """All rows. A statement that writes is done only with its last one: what the disk refuses may come as late as that."""
        cursor = self.run(connection, parameters)
        try:
            return cursor.fetchall()
        except sqlite3.Error as error:
            raise _refused(self._text, error) from error

    def parameters(self, values: Mapping[str, object]) -> Any:
        """As the driver takes them: in their places, or by name."""
        if self._said:
            values = {**values, **self._said}
        bound = [values[key] for key in self._keys]
        for place, process in self._processes:
            bound[place] = process(bound[place])
        return bound if self._by_place else dict(zip(self._names, bound, strict=True))

    def row(self, found: Any) -> Any:
        """With the types' own values."""
        if not self._result:
            return self._kind._make(found)
        values = list(found)
        for place, process in self._result:
            values[place] = process(values[place])
        return self._kind._make(values)


def direct(connection: sqlalchemy.Connection, text: str, parameters: Any = ()) -> sqlite3.Cursor:
    """Ask SQLite's own driver. Raises SQLAlchemy's errors."""
    try:
        return connection.connection.dbapi_connection.execute(text, parameters)  # type: ignore[no-any-return, union-attr]
    except sqlite3.Error as error:
        raise _refused(text, error) from error


def _refused(text: str, error: sqlite3.Error) -> BaseException:
    return exc.DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True)
