"""YAML that remembers its line numbers, and refuses what a configuration does not need.

Plain scalars follow the YAML 1.2 core schema: `yes`, `off`, `12:30` and `2024-12-25` are text. Aliases (and
with them bombs), merge keys, tags, keys that are no text or that stand twice, more than `MAX_BYTES` or
`MAX_DEPTH` are errors.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from vedette.config.errors import KeyPath

MAX_BYTES = 256 << 10
MAX_DEPTH = 20


class YamlError(Exception):
    """Text that is not usable YAML.

    Attributes:
        line: 1-based.
        problem: What is wrong, and the remedy.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class Document(msgspec.Struct):
    """What a YAML text says, and where.

    Attributes:
        value: The root: mappings, lists, text, numbers, booleans and None.
        lines: 1-based line of each key (of each item, in lists).
    """

    value: Any
    lines: dict[KeyPath, int] = msgspec.field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 # as PyYAML declares it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # its stub lacks the result
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlError(line, f"alias '*{event.anchor}': aliases are not read; write the value out")
        if self.depth == MAX_DEPTH:
            raise YamlError(line, f"nested more than {MAX_DEPTH} deep; no key of ours is")
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(text: str) -> Document:
    """Read one YAML document; an empty one has the value None.

    Raises:
        YamlError: See the module's docstring.
    """
    if len(text) > MAX_BYTES:
        raise YamlError(1, f"more than {MAX_BYTES} characters; a configuration is shorter")
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        if mark and error.context_mark and error.context_mark.line != mark.line:
            problem += f" (begun on line {error.context_mark.line + 1})"
        if "'\\t'" in problem:
            problem += ": indent with spaces"
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise YamlError(1, f"not YAML: {' '.join(str(error).split())}") from None
    finally:
        if loader is not None:
            loader.dispose()
    document = Document(None)
    if node is not None:
        document.value = _value(node, (), document.lines)
    return document


def read_scalar(text: str) -> Any:
    """Read a value written on one line, `30`, `true`, `[a, b]` (an environment variable's).

    Raises:
        YamlError: See the module's docstring.
    """
    return read_yaml(text).value


def _value(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
    line = node.start_mark.line + 1
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.rpartition(":")[2] not in (
        "str",
        "seq",
        "map",
    ):
        raise YamlError(line, f"tag '{node.tag}': tags are not read; remove it")
    if isinstance(node, yaml.MappingNode):
        return dict(_items(node, path, lines))
    if isinstance(node, yaml.SequenceNode):
        values = []
        for index, item in enumerate(node.value):
            lines[*path, index] = item.start_mark.line + 1
            values.append(_value(item, (*path, index), lines))
        return values
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 # PyYAML has no other kind
    return node.value if node.style else _plain(node.value, line)


def _items(node: yaml.MappingNode, path: KeyPath, lines: dict[KeyPath, int]) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not key:
            raise YamlError(line, "a key that is not text; write `key: value`")
        if key == "<<":
            raise YamlError(line, "merge key '<<': merging is not read; write the keys out")
        if key in seen:
            raise YamlError(line, f"'{key}' stands twice, first on line {seen[key]}; keep one")
        seen[key] = line
        lines[*path, key] = line
        yield key, _value(value_node, (*path, key), lines)


def _plain(text: str, line: int) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INT.fullmatch(text):
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    except ValueError:
        raise YamlError(line, f"a number of {len(text)} digits; no key of ours takes one so long") from None
    return text
