"""What the signatures say of the lines that are judged by themselves.

A single line's texts are held against what is known of them by a plain dictionary first, and only a text that is new is
looked at. What is answered is what a batch would be told (`detectors.signatures`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import printable
from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.evidence import Match
from vedette.detectors.signatures.hits import SignatureHits, types_of
from vedette.detectors.signatures.opinions import MEMBERS, NO_MARK
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.excusing import Exceptions
from vedette.engine.line_verdicts import FIRST, REMEMBERED, REMEMBERED_BYTES, Told, Verdict
from vedette.engine.row import Row
from vedette.enrich.enrich import Enricher
from vedette.schema.judged import Habit, Opinion, RuleMatch
from vedette.schema.requests import Requests, Vocabulary

_ABSTAINS = -math.inf
"""Stands for a payload model that did not look: unlike NaN, it equals itself, and can be found again."""
Key = tuple[int, tuple[bytes | None, ...]]
"""What a verdict rests on: the flags of a request, and its judged texts."""


class LineSignatures:
    """Asks the signatures about lines, and remembers what they said. For one thread.

    Args:
        scanner, enricher, exceptions, everyday: See `LineJudge`.
        habit: What the habits say of lines at which they have not looked.
    """

    def __init__(
        self,
        scanner: SignatureScanner,
        enricher: Enricher,
        exceptions: Exceptions | None,
        everyday: Callable[[], Everyday | None] | None,
        habit: Habit,
    ) -> None:
        self._scanner = scanner
        self._everyday = everyday
        self._ids = tuple(rule.id for rule in scanner.rules)
        self._habit = habit
        self._enricher = enricher
        self._exceptions = exceptions
        self._odd = scanner.odd_flags
        self._harmless: dict[tuple[int, bytes], float] = {}
        self._quiet: dict[float, Verdict] = {}
        self._known: dict[Key, Verdict] = {}
        # Most requests hold nothing to go by.
        self._usual = self._silent(float(NO_MARK))

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each member's evidence counts, by name."""
        return self._scanner.opinions.weights

    def reweigh(self, weights: Sequence[float]) -> None:
        """Let members' evidence count otherwise from now on."""
        self._scanner.opinions = self._scanner.opinions.weighed(weights)
        self._quiet.clear()
        self._known.clear()
        self._usual = self._silent(float(NO_MARK))

    def remember_with(self, scanner: SignatureScanner) -> None:
        """Let a scanner of another thread know what is found in texts, and this one what that one finds."""
        self._scanner.remember_with(scanner)

    def verdicts(self, requests: Requests, rows: Sequence[Row]) -> Told:
        """What the signatures say of them; `rows` are those of few."""
        if not rows:
            return self._asked(requests)
        known = [self.recall(row) for row in rows]
        recalled = [verdict for verdict in known if verdict is not None]
        if len(recalled) == len(rows):
            return Told(recalled, FIRST if len(rows) == 1 else np.arange(len(rows)))
        said = self._asked(requests)
        if self._exceptions is None:
            # With exceptions, a verdict depends on more than the texts.
            for row, which in zip(rows, said.which.tolist(), strict=True):
                verdict = said.verdicts[which]
                # So does that on what would be an attack where the site's own normal is weighed against it.
                if self._everyday is None or not (verdict.is_attack or verdict.everyday):
                    self._remember(row, verdict)
        return Told([said.verdicts[which] for which in said.which.tolist()], np.arange(len(rows)))

    def _asked(self, requests: Requests) -> Told:
        """What is said of each row."""
        hits, usual = self._hits(requests)
        payload = np.where(np.isnan(hits.payload), _ABSTAINS, hits.payload)
        hit = (hits.confidence > 0) | usual
        marked = np.flatnonzero((payload != NO_MARK) & ~hit)
        verdicts = [self._usual]
        which = np.zeros(len(requests), dtype=np.int64)
        if len(marked):
            values, places = np.unique(payload[marked], return_inverse=True)
            verdicts += map(self._silent, values.tolist())
            which[marked] = places + 1
        rows = np.flatnonzero(hit)
        if not len(rows):
            return Told(verdicts, which)
        which[rows] = np.arange(len(verdicts), len(verdicts) + len(rows))
        types, decisive = hits.types[rows], hits.decisive()[rows]
        evidence, scores = hits.opinions.told(hits.plain[rows], hits.payload[rows], types, decisive)
        told = zip(
            hits.confidence[rows].tolist(),
            decisive.tolist(),
            types.tolist(),
            hits.evidence_of(rows.tolist()),
            scores.tolist(),
            evidence.T.tolist(),
            usual[rows].tolist(),
            strict=True,
        )
        for sure, attack, types, matches, score, opinions, everyday in told:
            found, members = self._matches(matches), _opinions(opinions)
            verdicts.append(
                Verdict(sure, attack, _kinds(types), found, score, members, self._habit, everyday)
            )
        return Told(verdicts, which)

    def recall(self, row: Row, targets: Vocabulary | None = None) -> Verdict | None:
        """The verdict on a row, as far as it is known or nothing hits its texts.

        Args:
            targets: Its target as the only text, if it is there already.
        """
        said = self._harmless_payload(row, targets)
        if said is not None:
            return self._silent(said)
        return self._known.get((row.flags, row.judged))

    def _remember(self, row: Row, verdict: Verdict) -> None:
        if sum(len(text) for text in row.judged if text is not None) <= REMEMBERED_BYTES:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[row.flags, row.judged] = verdict

    def _hits(self, requests: Requests) -> tuple[SignatureHits, NDArray[np.bool_]]:
        """What the scanner says, and which rows would be attacks, but are asked every day, bool (n,)."""
        everyday = None if self._everyday is None else self._everyday()
        usual = np.zeros(len(requests), dtype=bool)
        hits = self._scanner.judge(requests)
        # While everything is reconfigured, their rules may be others.
        if everyday is not None and (not everyday.settled.all or everyday.ids != self._ids):
            everyday = None
        if self._exceptions is None and everyday is None:
            return hits, usual
        enriched = self._enricher.apply(requests)
        if self._exceptions is not None:
            self._exceptions.excuse(requests, enriched.service, enriched.services, hits)
        if everyday is not None:
            usual[everyday.weigh(requests, enriched.service, enriched.services, hits)] = True
        return hits, usual

    def _matches(self, matches: Sequence[Match]) -> tuple[RuleMatch, ...]:
        return tuple(
            RuleMatch(self._ids[match.rule], printable(match.text), match.place.value) for match in matches
        )

    def _harmless_payload(self, row: Row, targets: Vocabulary | None) -> float | None:
        """What the payload model says of a row of which no rule hits a text, nor its flags; None of others."""
        if row.flags & self._odd:
            return None
        harmless = self._harmless
        of_target = _ABSTAINS
        for place, text in enumerate(row.judged):
            if text is None:
                continue
            said = harmless.get((place, text))
            if said is None:
                texts = targets if place == 0 and targets is not None else Vocabulary.of([text])
                hit, payload = self._scanner.look_at(place, texts)
                if hit:
                    return None
                said = _ABSTAINS if math.isnan(payload) else payload
                if len(text) <= REMEMBERED_BYTES:
                    if len(harmless) >= REMEMBERED:
                        harmless.clear()
                    harmless[place, text] = said
            if place == 0:
                of_target = said
        return of_target

    def _silent(self, payload: float) -> Verdict:
        """The verdict on requests that no rule hits, by what the payload model says."""
        known = self._quiet.get(payload)
        if known is not None:
            return known
        opinions = self._scanner.opinions
        plain = np.zeros(1, dtype=np.float32)
        said = np.array([math.nan if payload == _ABSTAINS else payload], dtype=np.float32)
        no_type = np.zeros(1, dtype=np.uint32)
        score = opinions.score(plain, said, no_type, np.zeros(1, dtype=np.bool_))
        told = opinions.evidence(plain, said, no_type)[:, 0].tolist()
        if len(self._quiet) >= REMEMBERED:
            self._quiet.clear()
        verdict = self._quiet[payload] = Verdict(
            0.0, False, (), (), float(score[0]), _opinions(told), self._habit
        )
        return verdict


@lru_cache(maxsize=1 << 10)
def _kinds(types: int) -> tuple[str, ...]:
    """Names of the types of a type mask."""
    return tuple(kind.value for kind in types_of(types))


def _opinions(told: Sequence[float]) -> tuple[Opinion, ...]:
    """Of members that do not abstain, their evidence."""
    return tuple(
        Opinion(member, evidence)
        for member, evidence in zip(MEMBERS, told, strict=True)
        if not math.isnan(evidence)
    )
