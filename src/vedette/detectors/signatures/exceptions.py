"""Rules that are switched off on some paths of a site."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.rules import Place, Rule, RuleError

_ON_TARGET = frozenset({Place.PATH, Place.QUERY, Place.TARGET, Place.RAW, Place.WRITTEN})


class PathException(msgspec.Struct, frozen=True):
    """Rules that do not count on some paths.

    Attributes:
        path: Pattern of the decoded, lower-case path, in which `*` stands for anything.
        rules: Ids of rules, or patterns of ids.
    """

    path: str
    rules: tuple[str, ...]


class ExceptionTables(msgspec.Struct, frozen=True):
    """Exceptions as `except_paths` reads them."""

    patterns: NDArray[np.uint8]
    ends: NDArray[np.int64]
    kept: NDArray[np.uint8]

    @classmethod
    def of(cls, exceptions: Sequence[PathException], rules: Sequence[Rule]) -> "ExceptionTables":
        """Tables of exceptions.

        Raises:
            RuleError: One names no rule, or one that looks at something else than path and query.
        """
        patterns = [exception.path.lower().encode() for exception in exceptions]
        width = max(1, (len(rules) + 7) // 8)
        kept = np.full((len(exceptions), width), 255, dtype=np.uint8)
        for number, exception in enumerate(exceptions):
            for wanted in exception.rules:
                named = [i for i, rule in enumerate(rules) if fnmatchcase(rule.id, wanted)]
                on_target = [i for i in named if _ON_TARGET & set(rules[i].places)]
                if not on_target:
                    what = "looks at neither path nor query" if named else "does not exist"
                    raise RuleError(
                        f"detectors.signatures.exceptions: rule {wanted!r} {what}: an anomaly's evidence names "
                        "the rule that matched; others are switched off everywhere, by disabled_rules"
                    )
                for rule in on_target:
                    kept[number, rule >> 3] &= ~(1 << (rule & 7)) & 255
        return cls(
            np.frombuffer(b"".join(patterns), dtype=np.uint8),
            np.cumsum([len(pattern) for pattern in patterns], dtype=np.int64),
            kept,
        )
