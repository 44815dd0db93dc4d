"""The models that a service made, on disk: which was at work from when, and the way back to an older one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from vedette.detectors.learned.card import Model
from vedette.engine.model_files import ModelFileError, keep_model
from vedette.engine.model_record import asked_for, prune, write_uses
from vedette.schema.learned import MemberStatus, ModelUse

_LOG = logging.getLogger("vedette.live")
_MOST_WAITING: Final = 256
"""Models that wait for a disk that does not take them; further ones are lost to roll-back, and told of."""


class KeptModels:
    """Models of a running service. Detection does not depend on them: what is not written is told of and tried again.

    Models are written before the commit that says they are at work, the list of uses after it: so it never tells of one
    that is not there, and a service that is killed in between writes it when it starts again.

    Args:
        directory: Where to. most: Models kept of each member and service, beside the one at work.
    """

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = directory
        self._most = most
        self._waiting: list[tuple[str, str, bytes]] = []
        self._told: dict[tuple[str, str], tuple[ModelUse, ...]] = {}
        self._asked: dict[tuple[str, str], tuple[Path, str]] = {}
        self._failing = False

    def keep(self, member: str, service: str, content: bytes) -> None:
        """A model was put to work."""
        if len(self._waiting) == _MOST_WAITING:
            member, service, _ = self._waiting.pop(0)
            _LOG.error("a model %s of %s is lost to roll-back: too many wait to be written", member, service)
        self._waiting.append((member, service, content))

    def asked(self, member: str, span_us: int) -> Mapping[str, Model]:
        """Models that somebody went back to, by service.

        Raises:
            ModelFileError: One is damaged or altered.
        """
        found = {}
        for service, (path, recorded) in asked_for(self._directory, member, span_us).items():
            if recorded.model is not None:
                self._asked[member, service] = path, recorded.use.model
                found[service] = recorded.model
        return found

    def write(self) -> None:
        """Write the models that were put to work; to be called before that is committed."""
        while self._waiting:
            member, service, content = self._waiting[0]
            if not self._tried(lambda: keep_model(self._directory, member, service, content)):  # noqa: B023 - called at once
                return
            self._waiting.pop(0)

    def settle(self, statuses: Sequence[MemberStatus]) -> None:
        """Write down which models are at work; to be called when that is committed."""
        for status in statuses:
            key = status.member, status.service
            if not status.history or self._waits(key):
                continue
            self._taken(key, status.history)
            if self._told.get(key) != status.history and self._tried(
                lambda: self._write_down(*key, status.history)  # noqa: B023 - called at once
            ):
                self._told[key] = status.history

    def _write_down(self, member: str, service: str, history: Sequence[ModelUse]) -> None:
        write_uses(self._directory, member, service, history)
        prune(self._directory, member, service, self._most)

    def _taken(self, key: tuple[str, str], history: Sequence[ModelUse]) -> None:
        """What was asked for was put to work: nobody asks any more."""
        path, model = self._asked.get(key, (None, ""))
        before = self._told.get(key, ())
        fresh = [use.model for use in history if use not in before]
        if path is not None and model in (history[-1].model, *fresh):
            path.unlink(missing_ok=True)
            del self._asked[key]

    def _waits(self, key: tuple[str, str]) -> bool:
        return any((member, service) == key for member, service, _ in self._waiting)

    def _tried(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except ModelFileError as error:
            if not self._failing:
                _LOG.error("models are not kept, which will be tried again: %s", error)
            self._failing = True
            return False
        self._failing = False
        return True
