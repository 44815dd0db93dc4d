"""The rules as kernels read them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.rules import BANDS, FLAGS, MODEL_KINDS, REQUEST_TYPES, Rule
from vedette.kernels.requests.text_flags import TextFlag

PRIOR = 0.02
"""Share of attacks among values that hold marks at all, where nothing else is known."""


class RuleTables(msgspec.Struct, frozen=True):
    """Parallel arrays by rule, and rules that rest on flags."""

    width: int
    """Bytes of a bitmap of rules."""
    confidence: NDArray[np.float64]
    factor: NDArray[np.float64]
    """For a band of the payload model, what it multiplies the odds of other rules by; 1 for a rule."""
    band_rule: NDArray[np.int64]
    """The rule of each kind and band of the payload model, -1 for none."""
    rank: NDArray[np.int64]
    """Place among all rules, the most confident first, of equals the one that comes first."""
    kind: NDArray[np.int64]
    """Place of the rule's type in `REQUEST_TYPES`."""
    places: NDArray[np.int64]
    text_flag_mask: NDArray[np.int64]
    text_flag_rule: NDArray[np.int64]
    request_flag_mask: NDArray[np.int64]
    request_flag_rule: NDArray[np.int64]
    talk_bits: NDArray[np.uint8]
    """Bitmaps of the rules that do not count for talk, and of those besides that do not for talk beyond doubt, uint8
    (2, w)."""
    markup_bits: NDArray[np.uint8]
    """Bitmap of the rules that harmless markup hits too, uint8 (w,)."""

    context_bits: NDArray[np.uint8]
    """Bitmap of the rules that tell context, uint8 (w,)."""
    context_rule: NDArray[np.int64]
    """Those of them that excuse others, int64 (k,)."""
    context_beside: NDArray[np.int64]
    """What must stand beside each of these, -1 for nothing."""
    excused: NDArray[np.uint8]
    """Bitmaps of what each of these excuses, uint8 (k, w)."""

    @property
    def band_bits(self) -> NDArray[np.uint8]:
        """Bitmap of the rules that stand for bands of the payload model, uint8 (w,)."""
        return _bitmap(self.width, self.band_rule[self.band_rule >= 0].tolist())

    @property
    def type_bit(self) -> NDArray[np.int64]:
        """The rule's type, as a bit."""
        return np.left_shift(1, self.kind)

    @classmethod
    def of(cls, rules: Sequence[Rule], disabled: Collection[str]) -> Self:
        """Tables of rules; those whose ids are disabled hit nothing."""
        flagged = [
            (index, FLAGS[rule.flag])
            for index, rule in enumerate(rules)
            if rule.flag is not None and rule.id not in disabled
        ]
        on_text = [(index, int(flag)) for index, flag in flagged if isinstance(flag, TextFlag)]
        on_row = [(index, int(flag)) for index, flag in flagged if not isinstance(flag, TextFlag)]
        rank = np.empty(len(rules), dtype=np.int64)
        rank[sorted(range(len(rules)), key=lambda rule: (-rules[rule].confidence, rule))] = np.arange(
            len(rules)
        )
        width = max(1, (len(rules) + 7) // 8)
        number = {rule.id: index for index, rule in enumerate(rules)}
        excusing = [rule for rule in rules if rule.excuses]
        return cls(
            width=width,
            confidence=np.array([rule.confidence for rule in rules], dtype=np.float64),
            factor=np.array([model_factor(rule) for rule in rules], dtype=np.float64),
            band_rule=_band_rules(rules, disabled),
            rank=rank,
            kind=ints([REQUEST_TYPES.index(rule.type) for rule in rules]),
            # A rule that looks nowhere hits nothing.
            places=ints([0 if rule.id in disabled else rule.place_bits for rule in rules]),
            text_flag_mask=ints([mask for _, mask in on_text]),
            text_flag_rule=ints([index for index, _ in on_text]),
            request_flag_mask=ints([mask for _, mask in on_row]),
            request_flag_rule=ints([index for index, _ in on_row]),
            talk_bits=np.stack(
                [
                    _bitmap(width, (index for index, rule in enumerate(rules) if rule.talk)),
                    _bitmap(width, (index for index, rule in enumerate(rules) if rule.sentences)),
                ]
            ),
            markup_bits=_bitmap(width, (index for index, rule in enumerate(rules) if rule.markup)),
            context_bits=_bitmap(width, (index for index, rule in enumerate(rules) if rule.tells_context)),
            context_rule=ints([number[rule.id] for rule in excusing]),
            context_beside=ints([number[rule.beside] if rule.beside else -1 for rule in excusing]),
            excused=np.array(
                [_bitmap(width, (number[other] for other in rule.excuses)) for rule in excusing],
                dtype=np.uint8,
            ).reshape(len(excusing), width),
        )


def model_factor(rule: Rule) -> float:
    """What a rule multiplies the odds of others by: 1, but for a band of the payload model.

    Its evidence is how far the band moves the odds from `PRIOR`. Rules and model read the same text, so half of
    the evidence (the root of the ratio) is taken as told already by the rules.
    """
    if rule.band is None:
        return 1.0
    return float(((rule.confidence / (1 - rule.confidence)) / (PRIOR / (1 - PRIOR))) ** 0.5)


def _bitmap(width: int, rules: Iterable[int]) -> NDArray[np.uint8]:
    bitmap = np.zeros(width, dtype=np.uint8)
    for rule in rules:
        bitmap[rule >> 3] |= 1 << (rule & 7)
    return bitmap


def _band_rules(rules: Sequence[Rule], disabled: Collection[str]) -> NDArray[np.int64]:
    table = np.full((len(MODEL_KINDS), len(BANDS)), -1, dtype=np.int64)
    for index, rule in enumerate(rules):
        if rule.band is not None and rule.id not in disabled:
            table[MODEL_KINDS.index(rule.type), list(BANDS).index(rule.band)] = index
    return table.ravel()


def ints(values: list[int]) -> NDArray[np.int64]:
    """An int64 array, also of nothing."""
    return np.array(values, dtype=np.int64)
