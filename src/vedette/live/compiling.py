"""What is compiled once on each machine, before anything is waiting for it."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path

from vedette.config import Config
from vedette.config.sources import Sources
from vedette.live.view import Preparation

_LOG = logging.getLogger("vedette.live")
_REQUESTS = ("text", "json")
_FLOWS = ("flows", "json_flows")


def prepare(
    config: Config,
    tell: Callable[[Preparation], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    announce: Callable[[str], object] = lambda _: None,
) -> None:
    """Compile what is compiled once, before anything is waiting for it.

    Args:
        config: What is to be followed; what is wrong with it is said before anything takes long.
        tell: Told how far it is.
        stopped: Looked at now and then; once it is true, the rest is left.
        announce: Told once, if it takes long, what it is and how long it takes.

    Raises:
        VedetteError: A format, an exception, a channel or a rule cannot be used.
    """
    from vedette.channels.build import build_channels
    from vedette.config.exceptions import read_exceptions
    from vedette.engine.choosing import Chooser

    Chooser(config)
    build_channels(config.alerts)
    if config.exceptions:
        read_exceptions(Path(config.exceptions))
    _compile((*_REQUESTS, *_of_flows(config.sources)), tell, stopped, announce)
    if stopped():
        return
    tell(Preparation("rules"))
    from vedette.engine.signatures import signature_scanner

    signature_scanner(config.detectors.signatures)
    tell(Preparation("state"))


def prepare_flows() -> None:
    """Compile what flows need that nobody had announced: a flow log among others, or one that is pushed.

    By processes of their own, while the service goes on answering. Compiled where they are called, they would have it
    wait: loading another kernel meanwhile takes until the compiler lets go.
    """
    _compile(
        _FLOWS,
        announce=lambda said: _LOG.info("flows have come: %s; what comes waits until then", said),
    )


def _of_flows(sources: Sources) -> Collection[str]:
    return (*(("flows",) if sources.netflow else ()), *(("capture",) if sources.capture else ()))


def _compile(
    reads: Collection[str],
    tell: Callable[[Preparation], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    announce: Callable[[str], object] = lambda _: None,
) -> None:
    """Compile what reading such things needs and is not kept here."""
    from vedette.kernels.foreseen import about_seconds, compile_all, processes_for, uncompiled

    if missing := uncompiled(reads):
        total = len(missing)
        tell(Preparation("kernels", 0, total))
        kernels = f"{total} kernel{'' if total == 1 else 's'}"
        announce(f"compiling {kernels}, once for this machine: about {about_seconds(missing)} s")
        compile_all(
            missing, processes_for(missing), stopped, lambda done: tell(Preparation("kernels", done, total))
        )
