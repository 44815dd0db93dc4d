"""The quality card: incidents into copies of a log, each copy scanned, and what was found."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from vedette.cli.inject_card import Card, document, show
from vedette.config import Config
from vedette.replay.kernel_mode import SMALL, choose_kernel_mode
from vedette.replay.options import ScanOptions
from vedette.replay.run import inputs
from vedette.replay.survey import configured, survey
from vedette.report.console import Console
from vedette.report.output import check_apart, check_output, open_output
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.spans import DAY_US
from vedette.sources import Discovery

if TYPE_CHECKING:
    from vedette.cli.inject_files import Copy, Files
    from vedette.inject.card import Outcome
    from vedette.inject.menu import Made
    from vedette.inject.plan import Impossible, Planned
    from vedette.inject.profile import Profile
    from vedette.inject.rewrite import Template

_READ = 4
"""How often a log is read, at least: to know it, as it is, to copy it, and the copy."""
_SOUND = 0.9
"""Share of an incident's new lines that the parser must read as they were meant."""


def quality_card(
    options: ScanOptions,
    *,
    only: Sequence[str],
    times: int,
    seed: int,
    service: str | None,
    json: str | None,
    progress: bool,
) -> None:
    """Make the card and print it.

    Raises:
        VedetteError: An input or option is wrong, or the log is too short.
    """
    if json is not None:
        check_output(json)
    config = configured(options)
    found, _ = inputs(options)
    check_apart([json], [options.config, *(source.path for source in found.inputs)])
    choose_kernel_mode(found.inputs, SMALL // _READ, foreseen=True)
    card = _card(
        options, config, found, only=only, times=times, seed=seed, service=service, progress=progress
    )
    if json is not None:
        with open_output(json) as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(document(card))) + b"\n")
    if json != "-":
        show(card, Console())


def _card(
    options: ScanOptions,
    config: Config,
    found: Discovery,
    *,
    only: Sequence[str],
    times: int,
    seed: int,
    service: str | None,
    progress: bool,
) -> Card:
    """Put incidents into copies of a log, and scan these."""
    # Not before the mode was chosen: these import kernels.
    from vedette.cli.inject_files import Copy, Files
    from vedette.inject.card import outcome, rows

    _check(found, only)
    random = np.random.default_rng(seed)
    files = Files(found.inputs, config)
    profile, size = _read(files, random)
    chosen = _service(profile, service)
    templates = _templates(files, profile, chosen)
    copies, impossible = _planned(profile, chosen, templates, only, times, random)
    untouched = survey(options, config, found=Discovery(list(found.inputs))).findings
    before = {anomaly.id for anomaly in untouched.anomalies}
    source = max(templates, key=lambda name: len(templates[name]))
    group = next(each.group for each in found.inputs if each.name == source)
    console = Console(stderr=True)
    outcomes: list[Outcome] = []
    for number, planned in enumerate(copies, 1):
        if progress and console.is_terminal:
            console.print(f"copy {number} of {len(copies)}, {len(planned)} incidents", end="\r")
        made = [(each, _made(each, profile, templates[source], files, source)) for each in planned]
        copy = Copy(made, group)
        anomalies = _found(copy, files, size, options, config)
        for (each, what), lines in zip(made, copy.touched, strict=True):
            outcomes.append(outcome(each, lines, what.clients, anomalies, before))
    outcomes.sort(key=_order)
    quiet = dict(Counter(anomaly.type.value for anomaly in untouched.anomalies).most_common())
    days = _service_days(untouched, profile)
    return Card(
        rows(outcomes, quiet), outcomes, impossible, quiet, len(untouched.incidents), days, chosen, seed
    )


def _check(found: Discovery, only: Sequence[str]) -> None:
    """Refuse what cannot be done with any log."""
    from vedette.inject.menu import MENU
    from vedette.inject.plan import InjectError

    names = {kind.name for kind in MENU}
    for name in only:
        if name not in names:
            raise InjectError(f"--only {name}: no such incident: one of {', '.join(sorted(names))}")
    if any(source.path is None for source in found.inputs):
        raise InjectError("standard input cannot be read twice: give a file")


def _planned(
    profile: "Profile",
    chosen: str,
    templates: "Mapping[str, Sequence[Template]]",
    only: Sequence[str],
    times: int,
    random: np.random.Generator,
) -> "tuple[list[list[Planned]], list[Impossible]]":
    """Which incidents go into which copy, and those that go into none."""
    from vedette.inject.plan import InjectError, plan, possible

    kinds, impossible = possible(profile.services[chosen], _common_spots(list(templates.values())))
    kinds = [kind for kind in kinds if not only or kind.name in only]
    impossible = [each for each in impossible if not only or each.kind.name in only]
    if not kinds:
        why = "; ".join(f"{each.kind.name}: {each.why}" for each in impossible)
        raise InjectError(f"{chosen}: none of the incidents can be put into this log: {why}")
    copies, without_room = plan(profile, chosen, kinds, times, random)
    if not copies:
        raise InjectError(f"{chosen}: {'; '.join(f'{each.kind.name}: {each.why}' for each in without_room)}")
    return copies, impossible + without_room


def _order(outcome: "Outcome") -> tuple[int, int, int]:
    """Outcomes stand in the menu's order, those of one kind in that of time."""
    from vedette.inject.menu import MENU

    planned = outcome.planned
    place = next(place for place, kind in enumerate(MENU) if kind.name == planned.kind.name)
    return place, planned.start, planned.seed


def _read(files: "Files", random: np.random.Generator) -> "tuple[Profile, int]":
    """What the log is like, and how many bytes of text it has."""
    from vedette.inject.profile import Profile

    profile = Profile(random)
    size = 0
    for piece in files.walk():
        size += len(piece.text)
        profile.add(piece.lines(), piece.first_line, piece.enriched)
    return profile, size


def _found(copy: "Copy", files: "Files", size: int, options: ScanOptions, config: Config) -> list[Anomaly]:
    """What is found in a copy with incidents in it; the copy is gone afterwards."""
    from vedette.cli.inject_files import check_room

    with tempfile.TemporaryDirectory(prefix="vedette-inject-") as place:
        check_room(Path(place), size)
        written = copy.write(files, Path(place))
        return survey(options, config, found=Discovery(written)).findings.anomalies


def _service(profile: "Profile", wanted: str | None) -> str:
    from vedette.inject.plan import InjectError

    services = profile.services
    if wanted is None:
        # A service of pictures has no pages to scrape and no logins to guess.
        return max(services, key=lambda name: (services[name].page_requests, name))
    if wanted not in services:
        raise InjectError(
            f"--service {wanted}: no request is to a service of that name: one of {', '.join(services)}"
        )
    return wanted


def _templates(files: "Files", profile: "Profile", service: str) -> "dict[str, list[Template]]":
    """Lines of the service that others can be made from, by source."""
    from vedette.inject.facts import Facts
    from vedette.inject.plan import LEAST_TEMPLATES, InjectError
    from vedette.inject.rewrite import locate

    by_source: dict[str, list[bytes]] = {}
    for source, line in profile.services[service].lines:
        by_source.setdefault(source, []).append(line)
    found = {
        source: [
            template
            for template in locate(files.parsers[source], lines, Facts._fields)
            if template is not None and {"time", "target"} <= set(template.spots)
        ]
        for source, lines in by_source.items()
    }
    if sum(map(len, found.values())) < LEAST_TEMPLATES:
        raise InjectError(
            f"{service}: fewer than {LEAST_TEMPLATES} of its lines could be rewritten, as a model for others: "
            "is this an access log with times and targets?"
        )
    return found


def _common_spots(templates: "Sequence[Sequence[Template]]") -> set[str]:
    """Fields that most lines let rewrite; `client` for the one or two that name the client."""
    every = [template for group in templates for template in group]
    counts = Counter(name for template in every for name in template.spots)
    common = {name for name, count in counts.items() if 2 * count >= len(every)}
    return common | ({"client"} if common & {"peer", "forwarded"} else set())


def _made(
    planned: "Planned", profile: "Profile", templates: "Sequence[Template]", files: "Files", source: str
) -> "Made":
    """An incident's lines; only those that the parser reads as they were meant."""
    from msgspec.structs import replace

    from vedette.inject.facts import read_lines
    from vedette.inject.menu import Place
    from vedette.inject.plan import InjectError

    random = np.random.default_rng(planned.seed)
    # 198.18.0.0/15 is set aside for benchmarks (RFC 2544): no visitor comes from it.
    numbers = random.choice(1 << 17, size=max(1, planned.kind.clients), replace=False).tolist()
    clients = [f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}".encode() for n in numbers]
    own = profile.services[planned.service]
    made = planned.kind.make(
        Place(planned.start, planned.end, planned.service, own, templates, random, clients)
    )
    read = read_lines(files.parsers[source], [line for _, line in made.added])
    sound = tuple(
        added
        for added, facts in zip(made.added, read, strict=True)
        if facts is not None and abs(facts.time - added[0]) < 2_000_000
    )
    if len(sound) < _SOUND * len(made.added):
        raise InjectError(
            f"{planned.kind.name}: only {len(sound)} of {len(made.added)} lines made from those of {source} read as "
            "they should: name the other incidents with --only"
        )
    return replace(made, added=sound)


def _service_days(findings: Findings, profile: "Profile") -> float:
    coverage = findings.coverage
    days = ((coverage.end or 0) - (coverage.start or 0)) / DAY_US
    return days * len(profile.services)
