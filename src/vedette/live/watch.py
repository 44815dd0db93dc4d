"""The live service without its HTTP: sources, engine, store and telling, put together, started and stopped.

`vedette serve` puts HTTP around it. An application that watches itself has it inside its own process.
"""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vedette.channels.build import build_channels
from vedette.channels.teller import Teller
from vedette.config import Config
from vedette.config.exceptions import ExceptionRule, read_exceptions
from vedette.config.store import RetentionSection
from vedette.detectors.kept import printable
from vedette.engine.build_network import table_settings
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.excusing import Exceptions
from vedette.engine.line_judge import LineJudge
from vedette.engine.signatures import signature_scanner
from vedette.live.ageing import counted_from_the_end, told
from vedette.live.capturing import Capture
from vedette.live.compiling import prepare
from vedette.live.events import Events
from vedette.live.exceptions import DOCUMENT as EXCEPTIONS
from vedette.live.exceptions import from_document as read_document
from vedette.live.housekeeping import Housekeeping
from vedette.live.inbox import Inbox
from vedette.live.kept_models import KeptModels
from vedette.live.live import Live
from vedette.live.opened import Kept, now, opened
from vedette.live.reception import Reception
from vedette.live.reload import Settings
from vedette.live.running import Running
from vedette.live.service import Service
from vedette.schema.live import Commit
from vedette.schema.spans import DAY_US
from vedette.sources.discover import STDIN
from vedette.storage.live import LiveStore, Retention

_LOG = logging.getLogger("vedette")
_TELLING_S = 10.0
"""For messages that are being sent when the service ends."""


class Watch:
    """Everything that runs, behind whatever shows it.

    Args:
        kept: What it has on disk. reception: Where lines come in; closed with this.
        events: Where what happens is told, if somebody listens there already.

    Attributes:
        running: What it may be asked. service: The live thread.

    Raises:
        VedetteError: Something that was asked for cannot be done.
    """

    def __init__(self, kept: Kept, reception: Reception, events: Events | None = None) -> None:
        self._settings = settings = kept.settings
        store = kept.store
        config = settings.config
        journal = reception.journal
        sources = [*reception.sources]
        sources += [
            Capture(section, table_settings(config.network), journal, now)
            for section in config.sources.capture
        ]
        exceptions = _exceptions(config, store)
        inbox = Inbox(
            journal,
            self._judge(config, exceptions),
            now,
            lambda: self.service.wake(),  # noqa: PLW0108 - it is made after
            lambda: self.service.hurry(),  # noqa: PLW0108 - as above
        )
        self.service = Service(
            lambda state: Live(
                config,
                (*sources, journal),
                store,
                now,
                exceptions,
                state,
                KeptModels(kept.directory / "models", config.learned.keep),
            ),
            before_turn=inbox.settle,
            kept=self._committed,
            until_ended=STDIN in reception.paths,
            events=events,
        )
        self._teller = Teller(
            store, config.alerts, build_channels(config.alerts), clock=now, seed=os.getpid()
        )
        self._housekeeping = Housekeeping(
            store,
            now,
            self._retention,
            lambda: [*self.running.unread(), *self._aged()],
        )
        self.running = Running(
            self.service,
            inbox,
            store,
            settings,
            self._judge,
            lambda new: _exceptions(new, store),
            check=lambda new: build_channels(new.alerts),
            changed=self._follow,
            problems=self._teller.problems,
            remarks=self._aged,
            told=self._told,
        )

    def start(self) -> None:
        """Start all threads."""
        self.service.start()
        self._teller.start()
        self._housekeeping.start()

    def stop(self) -> None:
        """Take in and keep what is there, tell what is being told, and end."""
        self.service.stop()
        self._teller.stop(_TELLING_S)
        self._housekeeping.stop()

    def _judge(self, config: Config, exceptions: Sequence[ExceptionRule]) -> LineJudge:
        """What judges single lines under a configuration."""
        scanner = signature_scanner(config.detectors.signatures)
        known = Exceptions(exceptions, scanner) if exceptions else None
        habits = (lambda: self.service.live.engine.habits) if config.detectors.parameters.enabled else None
        everyday = (
            (lambda: self.service.live.engine.everyday) if config.detectors.signatures.everyday else None
        )
        return LineJudge(scanner, Chooser(config), enricher(config), known, habits, everyday)

    def _retention(self) -> Retention:
        """How long things are kept, as of now."""
        kept = _retention(self._settings.config.store.retention)
        return counted_from_the_end(kept, now(), self.service.live.reached)

    def _aged(self) -> list[str]:
        """What is to be said of logs that are older than what is kept."""
        kept = _retention(self._settings.config.store.retention)
        said = told(kept, now(), self.service.live.reached)
        return [said] if said else []

    def _follow(self, config: Config) -> None:
        """Another configuration is in force."""
        self._teller.configure(config.alerts, build_channels(config.alerts))

    def _told(self) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        told = self._teller.told()
        return told.sent, told.errors

    def _committed(self, commit: Commit) -> None:
        """A commit is kept: what it holds may be told."""
        for notice in commit.notices:
            title = printable(notice.incident.title.encode("utf-8", "backslashreplace"))
            _LOG.info(
                "incident %s: %s (%s, %s)", notice.change, title, notice.incident.severity, notice.incident.id
            )
        if commit.notices:
            self._teller.wake()


def watch(config: str | Path | None = None, **settings: Any) -> tuple[Running, Callable[[], None]]:
    """Begin to watch inside this process.

    One process watches with one directory and one store: in a server that forks, call it in one of the workers, or
    ship to a service of its own instead.

    Args:
        config: A configuration, YAML. settings: Sections with keys on top of it: `store={"url": ...}`.

    Returns:
        What takes lines and answers questions, and what ends it: it takes in and keeps what is there.

    Raises:
        VedetteError: The configuration or something that it names cannot be used.
    """
    overrides = {
        f"{section}.{key}": value for section, keys in settings.items() for key, value in keys.items()
    }
    with ExitStack() as stack:
        read = Settings(None if config is None else Path(config), os.environ, overrides)
        kept = stack.enter_context(opened(read, os.environ))
        prepare(kept.settings.config, announce=lambda said: _LOG.info("%s", said))
        reception = Reception(kept)
        try:
            made = Watch(kept, reception)
        except BaseException:
            reception.close()
            raise
        made.start()
        stack.callback(made.stop)
        return made.running, stack.pop_all().close


def _exceptions(config: Config, store: LiveStore) -> tuple[ExceptionRule, ...]:
    """Those of the file, and those made over the API."""
    of_file = read_exceptions(Path(config.exceptions)) if config.exceptions else ()
    known = {each.id for each in of_file}
    made = read_document(store.document(EXCEPTIONS))
    return (*of_file, *(each for each in made if each.id not in known))


def _retention(section: RetentionSection) -> Retention:
    def span(days: int | None) -> int | None:
        return None if days is None else days * DAY_US

    return Retention(
        windows=span(section.windows_d),
        fine_windows=span(section.fine_windows_d),
        anomalies=span(section.anomalies_d),
        alerts=span(section.alerts_d),
        audits=span(section.audit_d),
    )
