"""How the running service stands: its health, how far it has come, and what it counted."""

from collections.abc import Callable, Sequence
from typing import Any

from vedette.config.learned import MemberName
from vedette.live.clocks import clock_remarks
from vedette.live.models import WARMUP, furthest_phase, is_ready, of_member, of_one_line, warm_up
from vedette.live.service import Service
from vedette.live.view import BASELINES, FOREST, RULES, TRANSFORMER, Counters, Health
from vedette.schema.findings import EverydayRequests
from vedette.schema.learned import MemberStatus
from vedette.sources.source import SourceStatus
from vedette.storage.live import LiveStore

Told = tuple[dict[tuple[str, str], int], dict[str, int]]
"""(channel, severity) to messages sent, and channel to tries that failed."""

WAITING = "waiting"
_MOST_PROBLEMS = 20


class Standing:
    """Asks the live thread's rooms how they are; any thread may.

    Args:
        service: The live thread. store: Where everything is kept.
        problems: What is wrong elsewhere (channels, say), each a sentence.
        told: How many messages each channel has, by severity, and how many tries failed.
        remarks: What somebody should know though nothing is wrong, each a sentence.
    """

    def __init__(
        self,
        service: Service,
        store: LiveStore,
        problems: Callable[[], Sequence[str]],
        told: Callable[[], Told],
        remarks: Callable[[], Sequence[str]],
    ) -> None:
        self._service = service
        self._store = store
        self._problems = problems
        self._told = told
        self._remarks = remarks
        self._told_at: tuple[Any, tuple[str, dict[str, Any]]] = (None, (WAITING, {}))

    def unread(self) -> list[str]:
        """What cannot be read, and why, a sentence each."""
        live = self._service.live
        return _unread([source.status() for source in live.sources]) + live.intake.problems

    def health(self) -> Health:
        """See `vedette.live.view.LiveView`."""
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
        lag = live.lag_us
        return Health(
            status="degraded" if problems else "ok",
            phase=self.phase(),
            logs_processed=parsed,
            transformer_ready=is_ready(self.members(), MemberName.TRANSFORMER),
            active_models=self._active(),
            problems=(*problems[:_MOST_PROBLEMS], *remarks, *live.intake.remarks, *self._remarks()),
            sources=statuses,
            flows=tuple(live.flows.streams),
            lag_s=None if lag is None else lag / 1e6,
            sampling=live.overload.share,
        )

    def status(self) -> dict[str, Any]:
        """See `vedette.live.view.LiveView`."""
        live = self._service.live
        parsed = live.intake.parsed
        members, active = self.members(), self._active()
        sequences = of_member(members, MemberName.TRANSFORMER)
        return {
            "logs_processed": parsed,
            "warmup_target": warm_up(live.config, members),
            "warmup_complete": not live.config.learned.enabled or furthest_phase(members) != WARMUP,
            "training_in_progress": any(member.training for member in members),
            "isolation_forest_ready": FOREST in active,
            "transformer_ready": TRANSFORMER in active,
            "vocabulary_size": sum(member.vocabulary for member in sequences),
            "training_sequences": sum(member.sessions for member in sequences),
            "iso_training_samples": sum(member.rows for member in of_member(members, MemberName.FOREST)),
            "active_models": {name: name in active for name in (RULES, BASELINES, FOREST, TRANSFORMER)},
            "phase": self.phase(),
            "preparation": None,
        }

    def counters(self) -> Counters:
        """See `vedette.live.view.LiveView`."""
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
        lag = live.lag_us
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

    def _active(self) -> tuple[str, ...]:
        live = self._service.live
        members = self.members()
        ready = {
            RULES: live.config.detectors.signatures.enabled,
            BASELINES: live.engine.coverage.windows > 0,
            FOREST: is_ready(members, MemberName.FOREST),
            TRANSFORMER: is_ready(members, MemberName.TRANSFORMER),
        }
        return tuple(name for name, active in ready.items() if active)

    def members(self) -> list[MemberStatus]:
        """How far each learned detector has come."""
        return self._service.live.engine.member_statuses()

    def models(self) -> dict[str, Any]:
        """What the learned models say of single lines."""
        return self._learned()[1]

    def phase(self) -> str:
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
            members = self.members()
            told = (
                furthest_phase(members),
                {
                    FOREST: of_one_line(live.config, members, MemberName.FOREST),
                    TRANSFORMER: of_one_line(live.config, members, MemberName.TRANSFORMER),
                },
            )
            self._told_at = at, told
        return told

    def everyday(self) -> list[EverydayRequests]:
        """See `vedette.live.view.LiveView`."""
        known = self._service.live.engine.everyday
        return [] if known is None else known.account()


def _first(sentences: Sequence[str]) -> list[str]:
    """Some of many sentences, and how many more there are."""
    if len(sentences) <= _MOST_PROBLEMS:
        return list(sentences)
    return [
        *sentences[: _MOST_PROBLEMS - 1],
        f"and {len(sentences) - _MOST_PROBLEMS + 1} more logs cannot be read",
    ]


def _unread(statuses: Sequence[SourceStatus]) -> list[str]:
    return [status.fault for status in statuses if status.fault]
