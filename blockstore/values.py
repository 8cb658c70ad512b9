"""`dataclasses.dataclass` without the code that it generates: the same classes, several times as fast to define.

The standard library writes the source of each class's methods and compiles it, at every import: about a millisecond a class,
which was more than half of what the module cost a boot. Here the methods are closures over the fields, and the library's own
description of a field is made for the first who asks (`fields`, `asdict`). Type checkers see the original. Fields keep their
defaults and factories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:
    import dataclasses
    import functools

    _MISSING = dataclasses.MISSING

    def dataclass(cls=None, *, frozen=False, order=False):
        """As the original, with the two options that are used here. All fields are arguments, and all count in comparisons."""
        if cls is None:
            return functools.partial(dataclass, frozen=frozen, order=order)
        made, fields = cls, _fields(cls)
        made.__match_args__ = tuple(each.name for each in fields)
        made.__dataclass_fields__ = _Later(fields)
        methods = [_init(fields, hasattr(made, "__post_init__")), _equal(fields), _repr(fields)]
        methods += _orders(fields) if order else ()
        methods += (_set, _delete, _hash(fields)) if frozen else ()
        if not frozen:
            made.__hash__ = None
        for method in methods:
            if method.__name__ not in vars(made) or method.__name__ == "__hash__":
                setattr(made, method.__name__, method)
        return made

    def replace(one, /, **changes):
        """As the original, without the description of the fields that it would have made."""
        return type(one)(**{name: one.__dict__[name] for name in type(one).__match_args__} | changes)

    class _Field:
        """What is needed of a field here."""

        def __init__(self, name, default, default_factory):
            self.name, self.default, self.default_factory = name, default, default_factory

    def _fields(cls):
        """Those of the class and of its bases; a factory is no attribute of the class, as the original has it."""
        found = {}
        for base in reversed(cls.__mro__[1:]):
            later = vars(base).get("__dataclass_fields__")
            if isinstance(later, _Later):
                found.update((each.name, each) for each in later.told)
        for name in cls.__annotations__:
            default = vars(cls).get(name, _MISSING)
            if isinstance(default, dataclasses.Field):
                found[name] = _Field(name, default.default, default.default_factory)
                delattr(cls, name)
                if default.default is not _MISSING:
                    setattr(cls, name, default.default)
            else:
                found[name] = _Field(name, default, _MISSING)
        return list(found.values())

    class _Later:
        """The standard library's own fields, made for the first who asks for them: `replace`, `fields`, `asdict`."""

        def __init__(self, told):
            self.told, self.fields = told, None

        def __get__(self, one, cls):
            if self.fields is None:
                given = {each.name: each.default for each in self.told if each.default is not _MISSING}
                made = {each.name: each.default_factory for each in self.told if each.default_factory is not _MISSING}
                given.update((name, dataclasses.field(default_factory=factory)) for name, factory in made.items())
                space = {"__annotations__": {each.name: "object" for each in self.told}, "__doc__": "Fields.", **given}
                shadow = dataclasses.dataclass(init=False, repr=False, eq=False)(type(cls.__name__, (), space))
                self.fields = shadow.__dataclass_fields__
            return self.fields

    def _init(fields, then):
        names = tuple(each.name for each in fields)
        count, known = len(names), frozenset(names)
        plain = {each.name: each.default for each in fields if each.default is not _MISSING}
        made = {each.name: each.default_factory for each in fields if each.default_factory is not _MISSING}

        def completed(kind, given, named):
            values = dict(zip(names, given))
            if len(given) > count or not values.keys().isdisjoint(named):
                raise TypeError(f"{kind}() takes {', '.join(names)}, each once")
            values.update(named)
            if len(values) < count:
                values = {**plain, **values}
                for name, factory in made.items():
                    if name not in values:
                        values[name] = factory()
            if values.keys() != known:
                raise TypeError(f"{kind}() takes {', '.join(names)}, each once; it got {', '.join(values)}")
            return values

        def __init__(self, *given, **named):
            if len(given) == count and not named:  # the usual case, at half the cost
                self.__dict__.update(zip(names, given))
            else:
                self.__dict__.update(completed(type(self).__name__, given, named))
            if then:
                self.__post_init__()

        return __init__

    def _equal(fields):
        key = _key(fields)

        def __eq__(self, other):
            return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

        return __eq__

    def _orders(fields):
        key = _key(fields)

        def __lt__(self, other):
            return key(self) < key(other) if other.__class__ is self.__class__ else NotImplemented

        def __le__(self, other):
            return key(self) <= key(other) if other.__class__ is self.__class__ else NotImplemented

        def __gt__(self, other):
            return key(self) > key(other) if other.__class__ is self.__class__ else NotImplemented

        def __ge__(self, other):
            return key(self) >= key(other) if other.__class__ is self.__class__ else NotImplemented

        return (__lt__, __le__, __gt__, __ge__)

    def _key(fields):
        names = tuple(each.name for each in fields)
        return lambda one: tuple([getattr(one, name) for name in names])

    def _hash(fields):
        key = _key(fields)

        def __hash__(self):
            return hash(key(self))

        return __hash__

    def _repr(fields):
        def __repr__(self):
            inner = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields)
            return f"{self.__class__.__qualname__}({inner})"

        return __repr__

    def _set(self, name, value):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _delete(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    _set.__name__, _delete.__name__ = "__setattr__", "__delattr__"
