"""From a false alarm to an exception in a file, and what else that would have silenced."""

import json as json_module
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vedette.cli.explain import chosen, from_file, from_store
from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.config.exceptions import MOST, ExceptionRule, read_exceptions
from vedette.explain.numbers import plural
from vedette.replay.kernel_mode import choose_kernel_mode
from vedette.report.output import open_output
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError

if TYPE_CHECKING:
    from vedette.detectors.signatures.hits import SignatureHits
    from vedette.detectors.signatures.scan import SignatureScanner
    from vedette.engine.kept_lines import KeptLines

_DEFAULT = Path("exceptions.yaml")
_AGE = re.compile(r"([1-9]\d{0,3})([dw])")
_MOST_LINES = 20_000
"""Log lines of other anomalies that are looked at, to see what an exception would have silenced."""
_NAMED = 10
_SHOWN = 3
"""Exceptions that are shown of those that are written; there they all stand."""
_HEAD = """# What somebody has looked at and called a false alarm: `vedette feedback` adds to it, review it like code.
# `vedette scan` reads it where the configuration says `exceptions: {name}`; its report counts what is left out.
exceptions:
"""


class FeedbackError(VedetteError):
    """Feedback that cannot be taken."""


def list_exceptions(path: Path | None, config_path: Path | None) -> None:
    """Print the exceptions of the file."""
    place = _place(path, Config.load(config_path, environment=os.environ))
    if not place.exists():
        print(f"{place}: there are no exceptions yet; `vedette feedback ID --false-alarm` makes one")
        return
    today = datetime.now(UTC).date()
    for each in read_exceptions(place):
        ended = " (over)" if each.expires <= today else ""
        why = f": {each.reason}" if each.reason else ""
        print(f"{each.id}  until {each.expires}{ended}  {_printable(str(each))}{_printable(why)}")


def list_weights(url: str) -> None:
    """Print how much each member's evidence counts in the scores of a service with this store."""
    from vedette.live.answering import Answers
    from vedette.storage import open_live_store

    choose_kernel_mode([])
    with open_live_store(url) as kept:
        told = Answers(kept).told()
    for each in told.members:
        print(f"{each.member}: weight {each.weight:.3f} (shipped: {each.shipped:.3f})")
    said = f"{told.confirmed:,} alarms confirmed, {told.false_alarms:,} called false"
    print(f"{said}: " + (f"fitted to {told.different:,} that differ" if told.fitted else told.reason))


def make_exceptions(
    anomaly_id: str,
    *,
    json: Path | None,
    store: str | None,
    path: Path | None,
    reason: str,
    expires: str,
    any_time: bool,
    dry_run: bool,
    config_path: Path | None,
) -> None:
    """Make the narrowest exceptions for a false alarm, show what they silence, and write them.

    Raises:
        VedetteError: There is no such anomaly, what it rests on was not kept, or the file cannot be added to.
    """
    config = Config.load(config_path, environment=os.environ)
    place = _place(path, config)
    known = read_exceptions(place) if place.exists() else ()
    choose_kernel_mode([])
    # Not before the choice: these import kernels.
    from vedette.engine.kept_lines import of_requests
    from vedette.engine.narrowest import Stamp, of_window
    from vedette.engine.signatures import signature_scanner

    today = datetime.now(UTC).date()
    stamp = Stamp(today, today + _age(expires), reason)
    everything = list(from_file(json) if json is not None else from_store(store or "", None))
    anomaly = chosen(everything, anomaly_id, str(json or store))
    scanner: SignatureScanner | None = None
    if anomaly.unit == "hostile_requests":
        if any_time:
            raise FeedbackError("--any-time: exceptions of requests hold at all hours anyway: leave it out")
        scanner = signature_scanner(config.detectors.signatures, at_once=True)
        made = of_requests(anomaly, scanner, config, stamp)
    else:
        made = [of_window(anomaly, stamp, any_time=any_time)]
    others = [other for other in everything if other.id != anomaly.id]
    silenced = _silenced(made, others, scanner, config)
    fresh = [each for each in made if each.id not in {old.id for old in known}]
    shown = len(fresh) if dry_run else _SHOWN
    _print_items(fresh[:shown])
    if len(fresh) > shown:
        print(f"  # and {plural(len(fresh) - shown, 'more exception')} of the kind")
    for each in made:
        if each not in fresh:
            print(f"{each.id} stands in {place} already")
    whole = f"{anomaly.evidence_total:,}" if anomaly.evidence_total else "no"
    if scanner is not None and len(anomaly.evidence) < anomaly.evidence_total:
        print(f"Made from the {plural(len(anomaly.evidence), 'line')} kept of {whole} requests.")
    _tell(silenced, others)
    if not fresh:
        return
    if len(known) + len(fresh) > MOST:
        raise FeedbackError(f"{place}: {len(known)} exceptions: at most {MOST}: remove those that are over")
    if dry_run:
        print("Nothing was written.")
        return
    try:
        _append(place, "".join(map(_yaml, fresh)), len(known) + len(fresh))
    except FeedbackError:
        # They are to be added by hand.
        _print_items(fresh[shown:])
        raise
    told = (
        "" if config.exceptions else f"; say `exceptions: {place}` in the configuration for scans to read it"
    )
    print(f"Added to {place}{told}.")


def _place(path: Path | None, config: Config) -> Path:
    return path or (Path(config.exceptions) if config.exceptions else _DEFAULT)


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise FeedbackError(f"--expires {text}: must be days or weeks from today, like 90d or 12w")
    return timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))


def _silenced(
    made: Sequence[ExceptionRule],
    others: Sequence[Anomaly],
    scanner: "SignatureScanner | None",
    config: Config,
) -> list[Anomaly]:
    """Other anomalies that would not have been stated; hostile requests as far as their kept lines tell."""
    from vedette.engine.excusing import Exceptions, covers
    from vedette.engine.kept_lines import read_kept

    if scanner is None:
        return [other for other in others if any(covers(each, other) for each in made)]
    services = {each.service for each in made}
    rules = {each.rule for each in made}
    near = [
        other
        for other in others
        if other.unit == "hostile_requests"
        and other.service in services
        and any(evidence.rule in rules for evidence in other.evidence)
    ]
    lines = [(number, e.text) for number, other in enumerate(near) for e in other.evidence][:_MOST_LINES]
    read = read_kept([text for _, text in lines], config) if lines else None
    if read is None:
        return []
    hits = scanner.judge(read.requests)
    names = sorted(services)
    service = np.zeros(len(read.requests), dtype=np.int32)
    for line, row in read.row.items():
        service[row] = names.index(near[lines[line][0]].service)
    Exceptions(made, scanner).excuse(read.requests, service, names, hits)
    seen = {number for number, _ in lines}
    still = {
        number for line, (number, _) in enumerate(lines) if _told(near[number], read, line, hits, scanner)
    }
    return [near[number] for number in sorted(seen - still)]


def _told(
    anomaly: Anomaly, read: "KeptLines", line: int, hits: "SignatureHits", scanner: "SignatureScanner"
) -> bool:
    """Whether a line still shows what an anomaly states."""
    from vedette.detectors.signatures.hits import types_of

    row = read.row.get(line)
    if row is None:
        return True
    return hits.confidence[row] >= scanner.least and anomaly.type in types_of(int(hits.types[row]))


def _tell(silenced: Sequence[Anomaly], others: Sequence[Anomaly]) -> None:
    among = f"of {len(others):,} other anomalies there" if others else "there is no other anomaly"
    if not silenced:
        print(f"It would have silenced nothing else ({among}).")
        return
    print(f"It would also have silenced {len(silenced):,} {among}:")
    for other in silenced[:_NAMED]:
        when = datetime.fromtimestamp(other.start / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        print(f"  {other.id}  {when} UTC  {other.severity.value:8}  {_printable(other.description)}")
    if len(silenced) > _NAMED:
        print(f"  and {len(silenced) - _NAMED:,} more")


def _print_items(made: Sequence[ExceptionRule]) -> None:
    for each in made:
        print(_printable(_yaml(each), keep="\n"), end="")


def _yaml(each: ExceptionRule) -> str:
    """One item of the list; JSON is YAML, and leaves nothing to be misread."""
    values = each.model_dump(mode="json", exclude_defaults=True)
    lines = [f"{name}: {json_module.dumps(value)}" for name, value in values.items()]
    return "  - " + "\n    ".join(lines) + "\n"


def _append(place: Path, text: str, wanted: int) -> None:
    """Add items at the end of the file, if that is the end of its list.

    Raises:
        FeedbackError: It is not.
    """
    before = place.read_text("utf-8") if place.exists() else _HEAD.format(name=place)
    after = before + ("" if before.endswith("\n") else "\n") + text
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="vedette-feedback-") as draft:
        draft.write(after)
        draft.flush()
        try:
            fits = len(read_exceptions(Path(draft.name))) == wanted
        except ConfigError:
            fits = False
    if not fits:
        raise FeedbackError(
            f"{place}: does not end with its list of exceptions, two blanks deep: add the lines above by hand"
        )
    with open_output(str(place)) as stream:
        stream.write(after.encode())


def _printable(text: str, keep: str = "") -> str:
    """Text of hostile origin, fit for a terminal."""
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
