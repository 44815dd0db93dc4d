"""`vedette serve`: puts the live thread, the telling thread and the HTTP service together, and takes them apart."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from vedette import __version__
from vedette.engine.trimming import map_large_arrays, share_one_heap
from vedette.kernels.cache import can_keep, kernel_directory
from vedette.live.compiling import prepare
from vedette.live.events import Events
from vedette.live.opened import Kept, now, opened
from vedette.live.preparing import Preparing
from vedette.live.reception import Reception
from vedette.live.reload import Settings
from vedette.replay.collecting import pass_over_the_present, passing_over_the_present
from vedette.server.app import create_app
from vedette.server.listening import Listening, Place
from vedette.sources.source import SourceState
from vedette.storage import shown_url

if TYPE_CHECKING:
    from vedette.live.watch import Watch

_LOG = logging.getLogger("vedette")

EXIT_FAILED = 70
"""EX_SOFTWARE of sysexits.h: whoever supervises the service starts it again, and it goes on from its last commit."""


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
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


class Serving:
    """Everything that runs while `vedette serve` does.

    It answers, and takes lines in, from the first second on. What judges them is made meanwhile, which takes half a
    minute where kernels have to be compiled.

    Raises:
        VedetteError: Something that was asked for cannot be done.
    """

    def __init__(self, options: ServeOptions, kept: Kept, place: Place) -> None:
        config = kept.settings.config
        self._kept = kept
        self._reception = Reception(kept, options.paths, from_end=options.from_end)
        self._events = Events(first=now())
        self._preparing = Preparing(config, self._reception, self._events)
        self._app = create_app(self._preparing, kept.store, config.server, now)
        self._http = Listening(self._app, config.server, place)
        self._stopping = threading.Event()
        self._prepared = threading.Event()
        """Set when the engine is there, or never will be."""
        self._watch: Watch | None = None
        self._failure: BaseException | None = None

    def run(self) -> int:
        """Serve until somebody says stop, or the live thread ends; returns the exit status.

        Raises:
            VedetteError: The engine cannot be made.
        """
        watcher = threading.Thread(target=self._watched, name="vedette-watching", daemon=True)
        with _signals(self._stop, self._reload):
            self._reception.listen()
            watcher.start()
            with passing_over_the_present():
                self._http.run()
            self._stopping.set()
            self._prepared.wait()
            if self._watch is None:
                self._reception.close()
                if self._failure is not None:
                    raise self._failure
                _LOG.info("ending before anything was judged: what was taken in is kept for the next start")
                return 0
            _LOG.info("ending: what is there is taken in and kept")
            self._watch.stop()
        return EXIT_FAILED if self._watch.service.failure is not None else 0

    def _stop(self) -> None:
        self._stopping.set()
        # Who follows events would hold up the end.
        self._events.close()
        self._http.stop()

    def _watched(self) -> None:
        """Make the engine, let it work, and end with it."""
        try:
            self._watch = self._made()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._failure = error
        finally:
            self._prepared.set()
        if self._watch is not None:
            self._watch.service.ended.wait()
        self._stop()

    def _made(self) -> "Watch | None":
        """The engine at work; None if it is to end before."""
        prepare(
            self._kept.settings.config,
            self._preparing.tell,
            self._stopping.is_set,
            lambda said: _LOG.info("%s takes lines in; before they are judged: %s", self._http.address, said),
        )
        if self._stopping.is_set():
            return None
        from vedette.live.watch import Watch

        watch = Watch(self._kept, self._reception, self._events)
        watch.start()
        self._app.show(watch.running)
        pass_over_the_present()
        _LOG.info("%s", self._greeting())
        for source in watch.service.live.sources:
            status = source.status()
            # Faults are told by whoever looks for them all the time.
            if status.reason and status.state is not SourceState.FAILED:
                _LOG.warning("%s: %s", source.name, status.reason)
        return watch

    def _greeting(self) -> str:
        config = self._kept.settings.config
        names = [source.name for source in self._reception.sources]
        names += [f"capture:{section.interface}" for section in config.sources.capture]
        follows = f"{'; '.join(names)} and what is pushed" if names else "nothing but what is pushed"
        return (
            f"vedette {__version__} answers at {self._http.address} (API: /schema), reads {follows}, "
            f"keeps everything in {shown_url(config.store.url or '')}"
        )

    def _reload(self) -> None:
        def read() -> None:
            self._prepared.wait()
            if self._watch is None:
                return
            reasons = self._watch.running.reload()
            for reason in reasons:
                _LOG.error("the configuration stays as it was: %s", reason)
            if not reasons:
                _LOG.info("the configuration was read again, and is in force")

        # Not in the signal handler: it waits for the live thread.
        threading.Thread(target=read, name="vedette-reload", daemon=True).start()


def run(options: ServeOptions) -> int:
    """Serve until somebody says stop; returns the exit status.

    Raises:
        VedetteError: Something that was asked for cannot be done.
    """
    map_large_arrays()
    share_one_heap()
    _log_to_stderr()
    with ExitStack() as stack:
        settings = Settings(options.config, os.environ, options.overrides())
        # Before anything is made: a second service by mistake leaves nothing behind.
        place = Place(settings.config.server)
        stack.callback(place.close)
        kept = stack.enter_context(opened(settings, os.environ))
        keep_compiled(kept.directory)
        level = "warning" if options.quiet else kept.settings.config.live.log_level.value
        logging.getLogger("vedette").setLevel(level.upper())
        return Serving(options, kept, place).run()


def keep_compiled(directory: Path) -> None:
    """Keep what is compiled in the service's own directory where the user's cache cannot: such users have no home."""
    if can_keep(kernel_directory()):
        return
    os.environ["XDG_CACHE_HOME"] = str(directory.resolve() / "cache")
    if not can_keep(where := kernel_directory()):
        _LOG.warning(
            "%s: what is compiled cannot be kept: each start takes half a minute before lines are judged, and a third "
            "more memory; let NUMBA_CACHE_DIR or XDG_CACHE_HOME be a directory of this user's that nobody else may "
            "write to",
            where,
        )


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
