"""Reading YAML that anybody may have written: bounded in size and time, and one kind of error for all that PyYAML raises.

The nodes are looked at before PyYAML makes anything of them: a merge key doubles its values each time that it is used, and a
number in base 60 (1:1:1:1…) keeps PyYAML busy for minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml.reader import ReaderError

from blockstore import tree
from blockstore.reader import shown

# PyYAML reads about 200 KiB in a second; a boot waits for it.
LONGEST = 1 << 20
LONGEST_NUMBER = 100
_NUMBERS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))
# What PyYAML raises for `!!timestamp x`, `!!bool x`, `!!int ""`, 2026-13-45 and nesting without an end, beside its own error.
_CHOKES = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)


class Unreadable(ValueError):
    """A text is no YAML, or more than is read. Each of the ``problems`` is one line, and never quotes the text's values."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(text: str) -> object:
    """The value of a YAML text. Raises `Unreadable`."""
    return _loaded(text, "")


def load_once(text: str, key: str) -> object:
    """As `load`, and a key that is there twice is an error: the second one would silently count. Looked at are the mapping
    under ``key``, or the whole document where it has no such key."""
    return _loaded(text, key)


def _loaded(text: str, once: str) -> object:
    if len(text) > LONGEST:
        raise Unreadable(f"is longer than {LONGEST >> 10} KiB")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if problem := tree.fault_of(node, _inner) or _number_fault(node):
            raise Unreadable(problem)
        if once and (twice := tuple(_twice(node, once))):
            raise Unreadable(*twice)
        return loader.construct_document(node)
    except Unreadable:
        raise
    except _CHOKES as error:
        raise Unreadable(_problem(error)) from None


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _nodes(top: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, in the order of the text."""
    seen, waiting = {id(top)}, [top]
    while waiting:
        node = waiting.pop()
        yield node
        fresh = {id(each): each for each in _inner(node) if id(each) not in seen}
        seen.update(fresh)
        waiting += reversed(fresh.values())


def _number_fault(top: yaml.Node) -> str | None:
    for node in _nodes(top):
        if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            return f"line {node.start_mark.line + 1}: a number has at most {LONGEST_NUMBER} digits"
    return None


def _twice(top: yaml.Node, key: str) -> Iterator[str]:
    pairs = top.value if isinstance(top, yaml.MappingNode) else []
    blocks = [(name, value) for name, value in pairs if name.value == key]
    for name, _ in blocks[1:]:
        yield _again(name)
    for mapping in _nodes(blocks[-1][1] if blocks else top):
        seen = set()
        for name, _ in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
            if isinstance(name, yaml.ScalarNode) and name.tag != "tag:yaml.org,2002:merge":
                if name.value in seen:
                    yield _again(name)
                seen.add(name.value)


def _again(name: yaml.Node) -> str:
    return f"line {name.start_mark.line + 1}: the key {shown(name.value)} is there twice"


def _problem(error: Exception) -> str:
    """Where it is, and PyYAML's own words for it where they hold nothing of the text."""
    if isinstance(error, RecursionError):
        return tree.too_deep()
    if isinstance(error, ReaderError):
        return f"is not YAML: position {error.position + 1}: a control character"
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
    return f"is not YAML: {where}: {_words(getattr(error, 'problem', None) or 'a value that is none of its kind')}"


def _words(problem: str) -> str:
    # A password that begins with "*", "&" or "!" and has no quotes around it: PyYAML quotes it in its message.
    for word in ("alias", "anchor", "tag", "handle"):
        head, separator, _ = problem.partition(f"{word} '")
        if not separator:
            head, separator, _ = problem.partition(f'{word} "')
        if separator:
            return f"{head}{word}"
    return problem
