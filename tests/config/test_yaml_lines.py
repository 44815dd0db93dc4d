"""YAML with line numbers, and without what a configuration does not need."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vedette.config.yaml_lines import MAX_BYTES, YamlError, read_scalar, read_yaml


def refusal(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    return caught.value


def test_every_key_and_item_has_its_line() -> None:
    document = read_yaml("a: 1\nb:\n  c: [x,\n    y]\n  d:\n    - e: 2\n")
    assert document.value == {"a": 1, "b": {"c": ["x", "y"], "d": [{"e": 2}]}}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 3,
        ("b", "c", 1): 4,
        ("b", "d"): 5,
        ("b", "d", 0): 6,
        ("b", "d", 0, "e"): 6,
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~"])
def test_nothing_is_none(text: str) -> None:
    assert read_yaml(text).value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("'30'", "30"),
        ('"true"', "true"),
        ("yes", "yes"),
        ("off", "off"),
        ("+10:30", "+10:30"),
        ("12:30", "12:30"),
        ("2024-12-25", "2024-12-25"),
        ("1_000", "1_000"),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_plain_values_follow_the_core_schema(text: str, value: object) -> None:
    read = read_scalar(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice, first on line 1; keep one"),
        ("a: &x 1\nb: *x\n", 2, "alias '*x': aliases are not read; write the value out"),
        ("a:\n  <<: {b: 1}\n", 2, "merge key '<<': merging is not read; write the keys out"),
        ("\n1: a\n? [b]\n: c\n", 3, "a key that is not text; write `key: value`"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            1,
            "tag 'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("a: !secret x\n", 1, "tag '!secret': tags are not read; remove it"),
        ("a: 1\n  b: 2\n", 2, "not YAML: mapping values are not allowed here"),
        (
            "a: [1,\nb: 2\n",
            3,
            "while parsing a flow sequence, expected ',' or ']', but got '<stream end>' (begun on line 1)",
        ),
        (
            "a: 1\n---\nb: 2\n",
            2,
            "not YAML: expected a single document in the stream, but found another document",
        ),
        (
            "\ta: 1\n",
            1,
            r"found character '\t' that cannot start any token: indent with spaces",
        ),
        ("a: \x01\n", 1, "not YAML: unacceptable character #x0001"),
        ("a: " + "9" * 5000, 1, "a number of 5000 digits; no key of ours takes one so long"),
        ("a: " + "[" * 10_000, 1, "nested more than 20 deep; no key of ours is"),
        ("#" * (MAX_BYTES + 1), 1, "a configuration is shorter"),
    ],
)
def test_what_is_refused_and_where(text: str, line: int, said: str) -> None:
    error = refusal(text)
    assert error.line == line
    assert said in error.problem


def test_a_bomb_of_aliases_is_refused_at_the_first() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert refusal(bomb).line == 2


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**9), 10**9),
        st.text(st.characters(codec="ascii", min_codepoint=32)),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_what_a_yaml_writer_writes_is_read_back(value: object) -> None:
    # Quoted, because a YAML 1.1 writer leaves plain what 1.2 reads otherwise, and the other way round.
    text = yaml.safe_dump(value, default_style='"') if isinstance(value, str) else yaml.safe_dump(value)
    if not isinstance(value, str) and _has_text(value):
        return
    assert read_yaml(text).value == value


def _has_text(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_text(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_text(inner) for inner in value)
    return isinstance(value, str)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_yaml(text)
    except YamlError as error:
        assert error.problem  # noqa: PT017 # either outcome is right, a third would not be
