"""Drawing characters, and texts, for terminals that may not know them."""

import codecs

import msgspec

from vedette.report.shown import shown

_PLAIN = str.maketrans({"…": "...", "µ": "u"})
"""What our own sentences use beyond ASCII."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Glyphs(msgspec.Struct, frozen=True):
    """What can be drawn in an encoding."""

    encoding: str
    unicode: bool

    @classmethod
    def of(cls, encoding: str) -> "Glyphs":
        """Glyphs for an output's encoding: plain ASCII ones unless it is a Unicode one."""
        try:
            name = codecs.lookup(encoding).name
        except LookupError:
            name = "ascii"
        return cls(name, name.startswith("utf"))

    @property
    def mark(self) -> str:
        """Stands before an incident."""
        return "●" if self.unicode else "*"

    @property
    def ellipsis(self) -> str:
        """Stands for what was cut."""
        return "…" if self.unicode else "..."

    def bar(self, share: float, width: int) -> str:
        """A share of 1 as a bar of at most `width` cells; more than nothing is never an empty bar."""
        part = min(1.0, max(0.0, share)) * width
        if not self.unicode:
            return "#" * (max(1, round(part)) if share > 0 else 0)
        eighths = max(1, round(part * 8)) if share > 0 else 0
        whole, rest = divmod(eighths, 8)
        return "█" * whole + (_EIGHTHS[rest] if rest else "")

    def text(self, text: str) -> str:
        """A text of any origin: harmless, and made of what the encoding has."""
        text = shown(text)
        if self.unicode:
            return text
        return text.translate(_PLAIN).encode(self.encoding, "backslashreplace").decode(self.encoding)
