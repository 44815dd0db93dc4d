"""The running service as the HTTP rooms see it."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.config.exceptions import ExceptionRule
from vedette.engine.kept_lines import of_requests
from vedette.engine.line_judge import LineJudge
from vedette.engine.narrowest import Stamp, of_window
from vedette.live.answering import Answers
from vedette.live.exceptions import DOCUMENT as EXCEPTIONS
from vedette.live.exceptions import from_document
from vedette.live.exceptions import to_document as exceptions_document
from vedette.live.inbox import Inbox
from vedette.live.reload import DOCUMENT, Settings, to_document
from vedette.live.service import Service
from vedette.live.standing import Standing, Told
from vedette.live.view import Counters, Event, Health, Pushed
from vedette.schema.errors import VedetteError
from vedette.schema.findings import EverydayRequests
from vedette.schema.live import DetectedLine, DetectedLines, MemberWeights
from vedette.schema.records import ForecastRecord
from vedette.storage.live import LiveStore

_LOG = logging.getLogger("vedette.live")

_DAYS = 90
"""How long a false alarm called so over the API is not told again, unless somebody says otherwise."""


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
        self._refused: list[str] = []
        """Why the configuration that was read last is not in force."""
        self._standing = Standing(service, store, problems, told, lambda: [*self._outdated(), *remarks()])
        self._answers = Answers(store)
        self._inbox.judge.reweigh(self._answers.weighed.weight.tolist())
        self._inbox.judge.remember_with(service.live.engine.scanner)

    ready = True

    def unread(self) -> list[str]:
        """What cannot be read, and why, a sentence each."""
        return self._standing.unread()

    def health(self) -> Health:
        """See `LiveView`."""
        return self._standing.health()

    def status(self) -> dict[str, Any]:
        """See `LiveView`."""
        return self._standing.status()

    def counters(self) -> Counters:
        """See `LiveView`."""
        return self._standing.counters()

    def detect(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[DetectedLine]:
        """See `LiveView`."""
        parsed = self._service.live.intake.parsed
        return self._inbox.detect(
            lines, sessions, processed=parsed, phase=self._standing.phase(), models=self._standing.models()
        )

    def detect_all(
        self, lines: Sequence[bytes], sessions: Sequence[str | None], separator: bytes | None = None
    ) -> DetectedLines:
        """See `LiveView`."""
        parsed = self._service.live.intake.parsed
        return self._inbox.detect_all(
            lines,
            sessions,
            separator,
            processed=parsed,
            phase=self._standing.phase(),
            models=self._standing.models(),
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
        return self._standing.everyday()

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

        self._refused = self._refusals(put)
        return self._refused

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

    def _outdated(self) -> list[str]:
        """That it works by another configuration than a start would find: nobody is told of that by what it does."""
        if not self._refused:
            return []
        first, *others = self._refused
        more = f" (and {len(others)} more)" if others else ""
        refused = (
            f"the configuration that was read last is refused, and the one before it holds: {first}{more}"
        )
        return [f"{refused}; mend it before the next start, and send SIGHUP"]

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
