"""The short notation that the text formats are written in: `{peer} {} [{time}] "{request}" {status}`.

A name in braces is a field (`{}` passes text over), and what stands between is literal, as are braces around anything
else. Some take a mark:

| notation | meaning |
|---|---|
| `{peer:port}` | an address with a port, which is left out |
| `{user_agent:plus}`, `{user_agent:percent}` | unescaped that way |
| `{user_agent:last}` | what follows counts only before a space or the line's end |
| `{:word}` | passes text over that has no spaces and quotation marks |
| `{duration:go}` | a duration with its unit, as Go writes them |
| `{duration:sum}` | three durations in seconds, added |
| `{:blanks}` | passes spaces and tabs over, or none |
| `{?}` | the line may end here |
"""

import re

from msgspec.structs import replace

from vedette.kernels.text import unescape
from vedette.parsers.fields import Field
from vedette.parsers.program import Blanks, Literal, MayEnd, Program, Step, SumOfThree, Take

_PART = re.compile(r"\{([a-z_]*)(?::([a-z]+))?\}|(\{\?\})|([^{]+|\{)")
_UNESCAPES = {"plus": unescape.PLUS, "percent": unescape.PERCENT}


def template(text: str, *, escapes: int = unescape.BACKSLASH, open_ended: bool = False) -> Program:
    """Turn the notation into a program.

    Args:
        text: The notation.
        escapes: How quoted text is unescaped; text without quotes around it never is, unless marked.
        open_ended: After a space, lines may go on.
    """
    steps: list[Step] = []
    for name, mark, may_end, literal in _PART.findall(text):
        if literal:
            add_literal(steps, literal.encode(), escapes)
        elif may_end:
            steps.append(MayEnd())
        elif mark == "blanks":
            steps.append(Blanks())
        elif mark == "sum":
            steps.append(SumOfThree())
        else:
            steps.append(
                Take(
                    Field[name.upper()] if name else None,
                    unescape=_UNESCAPES.get(mark, unescape.RAW),
                    at_edge=mark == "last",
                    with_port=mark == "port",
                    word=mark == "word",
                    spelled=mark == "go",
                )
            )
    return Program(tuple(steps), open_ended)


def add_literal(steps: list[Step], text: bytes, escapes: int) -> None:
    """Add literal text: it ends the field before it, if there is one, and stands for itself if not."""
    before = steps[-1] if steps else None
    if not isinstance(before, Take) or before.until:
        if not isinstance(before, SumOfThree):
            steps.append(Literal(text))
        return
    quoted = text.startswith(b'"') and len(steps) > 1 and ends_in_quote(steps[-2])
    kind = escapes if quoted and before.unescape == unescape.RAW else before.unescape
    steps[-1] = replace(before, until=text, unescape=kind)


def ends_in_quote(step: Step) -> bool:
    """Whether the text of a step ends in a quotation mark."""
    match step:
        case Literal(text):
            return text.endswith(b'"')
        case Take(_, until):
            return until.endswith(b'"')
    return False
