"""The running service as the HTTP rooms see it."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.config.exceptions import ExceptionRule
from vedette.config.learned import MemberName
from vedette.engine.kept_lines import of_requests
from vedette.engine.line_judge import LineJudge
from vedette.engine.narrowest import Stamp, of_window
from vedette.live.answering import Answers
from vedette.live.clocks import clock_remarks
from vedette.live.exceptions import DOCUMENT as EXCEPTIONS
from vedette.live.exceptions import from_document
from vedette.live.exceptions import to_document as exceptions_document
from vedette.live.inbox import RULES, Inbox
from vedette.live.models import furthest_phase, is_ready, of_member, of_one_line
from vedette.live.reload import DOCUMENT, Settings, to_document
from vedette.live.service import Service
from vedette.live.view import Counters, Event, Health, Pushed
from vedette.schema.errors import VedetteError
from vedette.schema.findings import EverydayRequests
from vedette.schema.learned import MemberStatus
from vedette.schema.live import DetectedLine, DetectedLines, MemberWeights
from vedette.schema.records import ForecastRecord
from vedette.sources.source import SourceState, SourceStatus
from vedette.storage.live import LiveStore

_LOG = logging.getLogger("vedette.live")

Told = tuple[dict[tuple[str, str], int], dict[str, int]]
"""(channel, severity) to messages sent, and channel to tries that failed."""

FOREST = "isolation_forest"
TRANSFORMER = "transformer"
WAITING = "waiting"
BASELINES = "baselines"
_DAYS = 90
"""How long a false alarm called so over the API is not told again, unless somebody says otherwise."""
_MOST_PROBLEMS = 20


class Running:
    """Implements `vedette.live.view.LiveView`.

    Args:
        service: The live thread. inbox: What comes in over the network.
        store: Where exceptions and changes are kept. settings: The configuration.
        judge_for: Makes what judges single lines. exceptions_for: All that is not to be told.
        check: Raises `VedetteError` for a configuration that another room cannot follow.
        changed: Called with each configuration that comes into force.
        problems: What is wrong elsewhere (channels, say), each a sentence.
        told: How many messages each channel has, by severity, and how many tries failed.
        remarks: What somebody should know though nothing is wrong, each a sentence.
    """

    def __init__(
        self,
        service: Service,
        inbox: Inbox,
        store: LiveStore,
        settings: Settings,
        judge_for: Callable[[Config, Sequence[ExceptionRule]], LineJudge],
        exceptions_for: Callable[[Config], Sequence[ExceptionRule]],
        check: Callable[[Config], object] = lambda _: None,
        changed: Callable[[Config], object] = lambda _: None,
        problems: Callable[[], Sequence[str]] = tuple,
        told: Callable[[], Told] = lambda: ({}, {}),
        remarks: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._service = service
        self._inbox = inbox
        self._store = store
        self._settings = settings
        self._judge_for = judge_for
        self._exceptions_for = exceptions_for
        self._check = check
        self._tell_changed = changed
        self._problems = problems
        self._told = told
        self._remarks = remarks
        self._answers = Answers(store)
        self._told_at: tuple[Any, tuple[str, dict[str, Any]]] = (None, (WAITING, {}))
        self._inbox.judge.reweigh(self._answers.weighed.weight.tolist())
        self._inbox.judge.remember_with(service.live.engine.scanner)

    def unread(self) -> list[str]:
        """What cannot be read, and why, a sentence each."""
        live = self._service.live
        return _unread([source.status() for source in live.sources]) + live.intake.problems

    def health(self) -> Health:
        """See `LiveView`."""
        live = self._service.live
        statuses = tuple(source.status() for source in live.sources)
        problems = _unread(statuses)
        remarks = clock_remarks(live.watermarks.wrong_clocks(live.clock()))
        # One container of many that writes no access log is worth knowing; one that reads nothing watches nothing.
        told = remarks if live.intake.reads or live.flows.streams else problems
        told.extend(_first(live.intake.problems))
        problems += [problem for problem in (live.committer.problem, self._store.problem) if problem]
        if self._service.failure is not None:
            problems.insert(
                0, "the live thread has failed; what it committed is kept: see the log, and start anew"
            )
        if live.overload.share < 1:
            problems.append(
                f"overloaded: {live.overload.share:.2%} of the requests are looked at; "
                "give it a faster core, or fewer logs"
            )
        problems += live.flows.problems(live.clock())
        problems += self._problems()
        parsed = live.intake.parsed
        lag = live.work.lag_us
        return Health(
            status="degraded" if problems else "ok",
            phase=self._phase(),
            logs_processed=parsed,
            transformer_ready=is_ready(self._members(), MemberName.TRANSFORMER),
            active_models=self._active(),
            problems=(*problems[:_MOST_PROBLEMS], *remarks, *self._remarks()),
            sources=statuses,
            flows=tuple(live.flows.streams),
            lag_s=None if lag is None else lag / 1e6,
            sampling=live.overload.share,
        )

    def status(self) -> dict[str, Any]:
        """See `LiveView`."""
        live = self._service.live
        parsed = live.intake.parsed
        members, active = self._members(), self._active()
        sequences = of_member(members, MemberName.TRANSFORMER)
        target = live.config.live.warmup
        return {
            "logs_processed": parsed,
            "warmup_target": target,
            "warmup_complete": parsed >= target,
            "training_in_progress": any(member.training for member in members),
            "isolation_forest_ready": FOREST in active,
            "transformer_ready": TRANSFORMER in active,
            "vocabulary_size": sum(member.vocabulary for member in sequences),
            "training_sequences": sum(member.sessions for member in sequences),
            "iso_training_samples": sum(member.rows for member in of_member(members, MemberName.FOREST)),
            "active_models": {name: name in active for name in (RULES, BASELINES, FOREST, TRANSFORMER)},
            "phase": self._phase(),
        }

    def counters(self) -> Counters:
        """See `LiveView`."""
        service, live = self._service, self._service.live
        tally, work, stated = live.intake.tally, live.work, service.stated
        flows = live.flows.intake
        skipped = {reason.value: count for reason, count in list(tally.skips.counts.items())}
        for reason, count in flows.tally.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
        dropped: dict[str, int] = {}
        for status in (source.status() for source in live.sources):
            for reason, count in status.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        lag = work.lag_us
        sent, errors = self._told()
        everyday: dict[tuple[str, str], int] = {}
        for row in self.everyday():
            key = row.service, row.rule
            everyday[key] = everyday.get(key, 0) + row.requests
        return Counters(
            lines=tally.lines + flows.tally.lines,
            parsed=tally.parsed + flows.tally.flows,
            skipped=skipped,
            late=live.engine.windower.late + live.flows.engine.windower.late,
            anomalies=stated.anomalies,
            incidents_open=len(stated.open),
            windows=stated.windows,
            commits=live.committer.commits,
            commit_errors=live.committer.errors,
            analysis_seconds=work.seconds,
            analysis_count=work.batches,
            baselines=len(live.engine.book),
            queue_bytes=live.waiting,
            dropped=dropped,
            capped={
                "streams": tally.forgotten + flows.tally.forgotten,
                "cut_joined": tally.cut_joined,
                **live.engine.capped(),
                **live.flows.engine.capped(),
            },
            lag_s=None if lag is None else lag / 1e6,
            sampling=live.overload.share,
            alerts_sent=sent,
            alert_errors=errors,
            everyday=everyday,
        )

    def detect(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[DetectedLine]:
        """See `LiveView`."""
        parsed = self._service.live.intake.parsed
        return self._inbox.detect(
            lines, sessions, processed=parsed, phase=self._phase(), models=self._models()
        )

    def detect_all(
        self, lines: Sequence[bytes], sessions: Sequence[str | None], separator: bytes | None = None
    ) -> DetectedLines:
        """See `LiveView`."""
        parsed = self._service.live.intake.parsed
        return self._inbox.detect_all(
            lines, sessions, separator, processed=parsed, phase=self._phase(), models=self._models()
        )

    def push(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 - the word of the whole program
    ) -> Pushed:
        """See `LiveView`."""
        return self._inbox.push(stream, lines, service=service, format=format)

    def events(self, after: int | None) -> Iterator[Event | None]:
        """See `LiveView`."""
        return self._service.events.watch(after)

    def everyday(self) -> list[EverydayRequests]:
        """See `LiveView`."""
        known = self._service.live.engine.everyday
        return [] if known is None else known.account()

    def forecast(self, service: str, horizon_s: int) -> list[ForecastRecord]:
        """See `LiveView`."""
        return self._service.ask(lambda: self._service.live.engine.forecast(service, horizon_s * 1_000_000))

    def configuration(self) -> dict[str, Any]:
        """See `LiveView`."""
        shown: dict[str, Any] = json.loads(self._settings.config.model_dump_json())
        return shown

    def configure(self, changes: dict[str, Any]) -> list[str]:
        """See `LiveView`."""

        def put() -> None:
            config, everything = self._settings.changed(changes)
            self._reconfigure(config)
            try:
                self._store.put_document(DOCUMENT, to_document(everything))
            except VedetteError:
                # What a restart would not know must not hold until then either.
                self._reconfigure(self._settings.config)
                raise
            self._settings.accept(config, everything)

        return self._refusals(put)

    def reload(self) -> list[str]:
        """Read file and environment again, and put them into force; returns reasons why not, empty if done."""

        def put() -> None:
            config = self._settings.again()
            self._reconfigure(config)
            self._settings.accept(config)

        return self._refusals(put)

    def answer(self, anomaly_id: str, *, real: bool) -> str | None:
        """See `LiveView`."""
        anomaly = self._store.anomaly(anomaly_id)
        if anomaly is None:
            return None

        def take() -> str | None:
            live = self._service.live
            changed = self._answers.take(anomaly, real=real, scanner=live.engine.scanner, config=live.config)
            if changed is not None:
                self._inbox.judge.reweigh(self._answers.weighed.weight.tolist())
            return changed

        try:
            return self._service.ask(take)
        except TimeoutError:
            _LOG.warning("%s: nothing was learned of the answer: the service is too busy", anomaly_id)
            return None

    def weights(self) -> MemberWeights:
        """See `LiveView`."""
        return self._answers.told()

    def exclude(self, anomaly_id: str, note: str, until_days: int | None) -> str | None:
        """See `LiveView`."""
        anomaly = self._store.anomaly(anomaly_id)
        if anomaly is None:
            return f"{anomaly_id}: there is no such anomaly"
        today = datetime.now(UTC).date()
        stamp = Stamp(today, today + timedelta(days=until_days or _DAYS), note)

        def put() -> None:
            live = self._service.live
            made: list[ExceptionRule]
            if anomaly.unit == "hostile_requests":
                made = of_requests(anomaly, live.engine.scanner, live.config, stamp)
            else:
                made = [of_window(anomaly, stamp, any_time=False)]
            known = {each.id for each in live.exceptions}
            fresh = [each for each in made if each.id not in known]
            before = from_document(self._store.document(EXCEPTIONS))
            self._store.put_document(EXCEPTIONS, exceptions_document([*before, *fresh]))
            self._reconfigure(live.config)

        reasons = self._refusals(put)
        return reasons[0] if reasons else None

    def _reconfigure(self, config: Config) -> None:
        live = self._service.live
        self._check(config)
        exceptions = self._exceptions_for(config)
        judge = self._judge_for(config, exceptions)
        judge.reweigh(self._answers.weighed.weight.tolist())
        for anew in live.reconfigure(config, exceptions):
            _LOG.warning("%s: begins anew: %s", anew.part, anew.reason)
        judge.remember_with(live.engine.scanner)
        self._inbox.judge = judge
        self._tell_changed(config)

    def _refusals(self, put: Callable[[], None]) -> list[str]:
        """Have something done by the live thread; why it was not."""
        try:
            self._service.ask(put)
        except ConfigError as error:
            return list(error.problems)
        except VedetteError as error:
            return [str(error)]
        except TimeoutError:
            return ["the service is too busy to change anything now; try again"]
        return []

    def _active(self) -> tuple[str, ...]:
        live = self._service.live
        members = self._members()
        ready = {
            RULES: live.config.detectors.signatures.enabled,
            BASELINES: live.engine.coverage.windows > 0,
            FOREST: is_ready(members, MemberName.FOREST),
            TRANSFORMER: is_ready(members, MemberName.TRANSFORMER),
        }
        return tuple(name for name, active in ready.items() if active)

    def _members(self) -> list[MemberStatus]:
        return self._service.live.engine.member_statuses()

    def _models(self) -> dict[str, Any]:
        """What the learned models say of single lines."""
        return self._learned()[1]

    def _phase(self) -> str:
        """That of the service whose models have come furthest; of the network's where there are flows alone."""
        live = self._service.live
        if live.intake.parsed:
            return self._learned()[0]
        return furthest_phase(live.flows.engine.member_statuses()) if len(live.flows.watermarks) else WAITING

    def _learned(self) -> tuple[str, dict[str, Any]]:
        """The phase, and what the learned models say of single lines: the same until the live thread's next turn."""
        live = self._service.live
        at = live.turns, live.config, live.engine
        known_at, told = self._told_at
        if at != known_at:
            members = self._members()
            told = (
                furthest_phase(members),
                {
                    FOREST: of_one_line(live.config, members, MemberName.FOREST),
                    TRANSFORMER: of_one_line(live.config, members, MemberName.TRANSFORMER),
                },
            )
            self._told_at = at, told
        return told


def _first(sentences: Sequence[str]) -> list[str]:
    """Some of many sentences, and how many more there are."""
    if len(sentences) <= _MOST_PROBLEMS:
        return list(sentences)
    return [
        *sentences[: _MOST_PROBLEMS - 1],
        f"and {len(sentences) - _MOST_PROBLEMS + 1} more logs cannot be read",
    ]


def _unread(statuses: Sequence[SourceStatus]) -> list[str]:
    return [
        f"{status.name}: {status.reason}"
        for status in statuses
        if status.reason and status.state is SourceState.FAILED
    ]
