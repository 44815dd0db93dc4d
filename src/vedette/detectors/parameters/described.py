"""What is new in a request, as an anomaly's details tell it."""

from typing import Any

from vedette.detectors.kept import printable
from vedette.detectors.parameters.novelty import Kind, Novelty
from vedette.detectors.parameters.profiles import LEAP, Profiles
from vedette.kernels.requests.parameter_text import CONTROL, DIGIT, FIRST_MARK, LOWER, OTHER, SPACE, UPPER
from vedette.kernels.requests.parameters import SHAPES

_CLASS_WORDS = {
    LOWER: "lower-case letters",
    UPPER: "capitals",
    DIGIT: "digits",
    SPACE: "spaces",
    CONTROL: "control characters",
    OTHER: "bytes beyond ASCII",
}
_MARKS = [chr(b) for b in range(33, 127) if not chr(b).isalnum()]
_SHOWN = 80
"""Bytes of a value that are shown."""


def class_words(bits: int) -> str:
    """Classes of bytes in words: `digits and -`; `nothing` where there are none."""
    names = [
        _CLASS_WORDS[bit] if bit < FIRST_MARK else _MARKS[bit - FIRST_MARK]
        for bit in range(bits.bit_length())
        if bits >> bit & 1
    ]
    if len(names) <= 1:
        return names[0] if names else "nothing"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def shape_text(shape: bytes) -> str:
    """A shape with nothing in it that a terminal obeys; control characters are `·`."""
    return shape.replace(b"\0", b"\xc2\xb7").decode("utf-8", "backslashreplace")


def longest(step: int) -> int:
    """The largest length that is on a step of the ladder (`kernels.parameter_text.length_step`)."""
    if step < 4:
        return step
    half, upper = divmod(step - 4, 2)
    return (8 << half) - 1 if upper else (6 << half) - 1


def told(profiles: Profiles, novelty: Novelty) -> dict[str, Any]:
    """One novelty as plain data: all that its sentence and its arithmetic need."""
    chance, parameter = novelty.chance, novelty.parameter
    found: dict[str, Any] = {
        "what": novelty.kind.value,
        "seen": novelty.seen,
        "trials": chance.trials,
        "new": chance.new,
        "probability": chance.probability,
    }
    if parameter is not None:
        found["parameter"] = printable(parameter.name, _SHOWN)
        found["value"] = printable(parameter.value, _SHOWN)
    match novelty.kind:
        case Kind.ROUTE | Kind.METHOD:
            found["value"] = printable(novelty.feature, _SHOWN)
        case Kind.CLASSES:
            found["found"] = class_words(int(novelty.feature, 16))
            found["usual"] = class_words(novelty.known)
        case Kind.LENGTH if parameter is not None:
            found["found"] = parameter.length
            found["usual"] = longest(novelty.known)
            found["limit"] = longest(novelty.known + LEAP - 1)
        case Kind.SHAPE if parameter is not None:
            found["found"] = shape_text(parameter.shape)
            found["usual"] = [shape_text(shape) for shape in profiles.shapes_of(novelty.slot)[:3]]
            found["shapes"] = novelty.known
            found["most_shapes"] = SHAPES
    return found
