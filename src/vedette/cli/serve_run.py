"""`vedette serve`: puts the live thread, the telling thread and the HTTP service together, and takes them apart."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from vedette import __version__
from vedette.channels.build import build_channels
from vedette.channels.teller import Teller
from vedette.config import Config
from vedette.config.exceptions import ExceptionRule, read_exceptions
from vedette.config.store import RetentionSection
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.excusing import Exceptions
from vedette.engine.line_judge import LineJudge
from vedette.engine.signatures import signature_scanner
from vedette.live.directory import state_directory
from vedette.live.exceptions import DOCUMENT as EXCEPTIONS
from vedette.live.exceptions import from_document as read_document
from vedette.live.housekeeping import Housekeeping
from vedette.live.inbox import Inbox
from vedette.live.live import Live
from vedette.live.reload import DOCUMENT, Settings, from_document
from vedette.live.running import Running
from vedette.live.service import Service
from vedette.schema.live import Commit
from vedette.server.app import create_app
from vedette.server.listening import Listening
from vedette.sources.build import build_sources
from vedette.sources.journal import Journal
from vedette.storage import open_live_store
from vedette.storage.live import LiveStore, Retention

_LOG = logging.getLogger("vedette")

_TELLING_S = 10.0
"""For messages that are being sent when the service ends."""
EXIT_FAILED = 70
"""EX_SOFTWARE of sysexits.h: whoever supervises the service starts it again, and it goes on from its last commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line asks for."""

    paths: tuple[str, ...]
    config: Path | None
    from_end: bool
    format: str | None
    log_format: str | None
    host: str | None
    port: int | None
    store: str | None
    quiet: bool

    def overrides(self) -> dict[str, Any]:
        """As dotted keys of the configuration."""
        given = {
            "input.format": self.format,
            "input.log_format": self.log_format,
            "server.host": self.host,
            "server.port": self.port,
            "store.url": self.store,
        }
        return {key: value for key, value in given.items() if value is not None}


def now() -> int:
    """The clock: microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Serving:
    """Everything that runs while `vedette serve` does.

    Raises:
        VedetteError: Something that was asked for cannot be done.
    """

    def __init__(self, options: ServeOptions, settings: Settings, store: LiveStore, directory: Path) -> None:
        config = settings.config
        self._settings = settings
        self._stack = ExitStack()
        _warm(config)
        journal = Journal(
            directory / "journal",
            now,
            capacity=config.live.journal_bytes,
            line_bytes=config.limits.line_bytes,
        )
        sources = build_sources(
            config.sources,
            now,
            journal,
            paths=options.paths,
            from_end=options.from_end,
            line_bytes=config.limits.line_bytes,
        )
        exceptions = _exceptions(config, store)
        inbox = Inbox(journal, _judge(config, exceptions), now, lambda: self._service.wake())  # noqa: PLW0108 - it is made after
        self._service = Service(
            lambda kept: Live(config, (*sources, journal), store, now, exceptions, kept),
            before_turn=inbox.settle,
            kept=self._kept,
            until_ended="-" in options.paths,
        )
        self._teller = Teller(
            store, config.alerts, build_channels(config.alerts), clock=now, seed=os.getpid()
        )
        self._housekeeping = Housekeeping(store, now, lambda: _retention(settings.config.store.retention))
        self._running = Running(
            self._service,
            inbox,
            store,
            settings,
            _judge,
            check=lambda new: build_channels(new.alerts),
            changed=self._follow,
            problems=self._teller.problems,
            told=self._told,
        )
        self._http = Listening(create_app(self._running, store, config.server, now), config.server)
        self._stack.callback(self._http.close)

    def run(self) -> int:
        """Serve until somebody says stop, or the live thread ends; returns the exit status."""
        watcher = threading.Thread(target=self._end_with_live_thread, name="vedette-watching", daemon=True)
        with _signals(self._http.stop, self._reload):
            self._service.start()
            self._teller.start()
            self._housekeeping.start()
            watcher.start()
            _LOG.info("%s", self._greeting())
            self._http.run()
            _LOG.info("ending: what is there is taken in and kept")
            self._service.stop()
            self._teller.stop(_TELLING_S)
            self._housekeeping.stop()
        return EXIT_FAILED if self._service.failure is not None else 0

    def close(self) -> None:
        """Let go of everything."""
        self._stack.close()

    def _follow(self, config: Config) -> None:
        """Another configuration is in force."""
        self._teller.configure(config.alerts, build_channels(config.alerts))

    def _told(self) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        told = self._teller.told()
        return told.sent, told.errors

    def _kept(self, commit: Commit) -> None:
        """A commit is kept: what it holds may be told."""
        if commit.notices:
            self._teller.wake()

    def _greeting(self) -> str:
        config = self._settings.config
        follows = (
            "; ".join(source.name for source in self._service.live.sources) or "nothing but what is pushed"
        )
        return (
            f"vedette {__version__} answers at {self._http.address} (API: /schema), reads {follows}, "
            f"keeps everything in {_shown(config.store.url or '')}"
        )

    def _end_with_live_thread(self) -> None:
        self._service.ended.wait()
        self._http.stop()

    def _reload(self) -> None:
        def read() -> None:
            for reason in self._running.reload():
                _LOG.error("the configuration stays as it was: %s", reason)

        # Not in the signal handler: it waits for the live thread.
        threading.Thread(target=read, name="vedette-reload", daemon=True).start()


def run(options: ServeOptions) -> int:
    """Serve until somebody says stop; returns the exit status.

    Raises:
        VedetteError: Something that was asked for cannot be done.
    """
    _log_to_stderr()
    settings = Settings(options.config, os.environ, options.overrides())
    directory = state_directory(settings.config.live.directory, os.environ)
    overrides = options.overrides()
    overrides.setdefault("store.url", settings.config.store.url or f"sqlite:///{directory / 'vedette.db'}")
    with ExitStack() as stack:
        kept = settings.config.store
        store = stack.enter_context(
            open_live_store(
                overrides["store.url"],
                spool=Path(kept.spool) if kept.spool else directory / "spool",
                spool_bytes=kept.spool_bytes,
            )
        )
        settings = Settings(options.config, os.environ, overrides, from_document(store.document(DOCUMENT)))
        level = "warning" if options.quiet else settings.config.live.log_level.value
        logging.getLogger("vedette").setLevel(level.upper())
        serving = Serving(options, settings, store, directory)
        stack.callback(serving.close)
        return serving.run()


def _exceptions(config: Config, store: LiveStore) -> tuple[ExceptionRule, ...]:
    """Those of the file, and those made over the API."""
    of_file = read_exceptions(Path(config.exceptions)) if config.exceptions else ()
    known = {each.id for each in of_file}
    made = read_document(store.document(EXCEPTIONS))
    return (*of_file, *(each for each in made if each.id not in known))


def _retention(section: RetentionSection) -> Retention:
    def span(days: int | None) -> int | None:
        return None if days is None else days * 86_400_000_000

    return Retention(
        windows=span(section.windows_d),
        fine_windows=span(section.fine_windows_d),
        anomalies=span(section.anomalies_d),
        alerts=span(section.alerts_d),
        audits=span(section.audit_d),
    )


def _judge(config: Config, exceptions: Sequence[ExceptionRule]) -> LineJudge:
    """What judges single lines under a configuration."""
    scanner = signature_scanner(config.detectors.signatures)
    known = Exceptions(exceptions, scanner) if exceptions else None
    return LineJudge(scanner, Chooser(config), enricher(config), known)


def _warm(config: Config) -> None:
    """Compile what is compiled once, before anything is waiting for it."""
    from vedette.kernels.compile import INTERPRETED
    from vedette.kernels.machine_code import kept_before
    from vedette.kernels.windows import add_groups

    if not INTERPRETED and not kept_before(add_groups):
        _LOG.info("compiling kernels, once for this machine: some fifteen seconds")
    signature_scanner(config.detectors.signatures)


def _shown(url: str) -> str:
    """A store's URL without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger = logging.getLogger("vedette")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel("INFO")


@contextmanager
def _signals(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM end the service in good order, SIGHUP reads the configuration again."""

    def end(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT:
            # A second Ctrl-C means at once.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    def again(_: int, __: FrameType | None) -> None:
        reload()

    wanted = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: again}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
