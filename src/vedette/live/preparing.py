"""The service while it starts: lines are taken in and kept, whoever asks is told how far it is, nothing is judged."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from vedette.config import Config
from vedette.live.events import Events
from vedette.live.models import warm_up
from vedette.live.reception import Reception, into_journal
from vedette.live.view import (
    BASELINES,
    FOREST,
    RULES,
    STARTING,
    TRANSFORMER,
    Counters,
    Event,
    Health,
    NotReadyError,
    Preparation,
    Pushed,
)


class Preparing:
    """Implements `vedette.live.view.LiveView` until there is an engine.

    Args:
        config: How everything is done. reception: Where lines come in. events: Told by the engine later.

    Attributes:
        preparation: What is being done now.
    """

    ready = False

    def __init__(self, config: Config, reception: Reception, events: Events) -> None:
        self._config = config
        self._reception = reception
        self._events = events
        self.preparation = Preparation("kernels")

    def tell(self, preparation: Preparation) -> None:
        """From now on this is being done."""
        self.preparation = preparation

    def health(self) -> Health:
        """See `LiveView`."""
        sources = tuple(source.status() for source in (*self._reception.sources, self._reception.journal))
        return Health(
            status=STARTING,
            phase=STARTING,
            logs_processed=0,
            transformer_ready=False,
            active_models=(),
            problems=tuple(status.fault for status in sources if status.fault),
            sources=sources,
            preparation=self.preparation,
        )

    def status(self) -> dict[str, Any]:
        """See `LiveView`."""
        return {
            "logs_processed": 0,
            "warmup_target": warm_up(self._config, ()),
            "warmup_complete": False,
            "training_in_progress": False,
            "isolation_forest_ready": False,
            "transformer_ready": False,
            "vocabulary_size": 0,
            "training_sequences": 0,
            "iso_training_samples": 0,
            "active_models": dict.fromkeys((RULES, BASELINES, FOREST, TRANSFORMER), False),
            "phase": STARTING,
            "preparation": self.preparation,
        }

    def counters(self) -> Counters:
        """See `LiveView`."""
        health = self.health()
        dropped: dict[str, int] = {}
        for status in health.sources:
            for reason, count in status.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        return Counters(
            lines=0,
            parsed=0,
            skipped={},
            late=0,
            anomalies={},
            incidents_open=0,
            windows=0,
            commits=0,
            commit_errors=0,
            analysis_seconds=0.0,
            analysis_count=0,
            baselines=0,
            queue_bytes=sum(status.behind or 0 for status in health.sources),
            dropped=dropped,
            capped={},
            lag_s=None,
            sampling=1.0,
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
        return into_journal(self._reception.journal, stream, lines, service=service, format=format)

    def events(self, after: int | None) -> Iterator[Event | None]:
        """See `LiveView`."""
        return self._events.watch(after)

    def configuration(self) -> dict[str, Any]:
        """See `LiveView`."""
        shown: dict[str, Any] = json.loads(self._config.model_dump_json())
        return shown

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        """What needs the engine, see `LiveView`."""
        raise NotReadyError(f"the service is starting: {self.preparation.told}")

    detect = detect_all = everyday = forecast = configure = answer = weights = exclude = _refuse
