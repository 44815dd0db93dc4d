"""One run: ordinary traffic and incidents put together, block by block, in the order of the log."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np

from vedette.schema.anomaly import Entity, EntityKind
from vedette.simulate.draws import Draws
from vedette.simulate.incidents.attacks import AttackShare
from vedette.simulate.incidents.catalogue import build_incidents
from vedette.simulate.injection import Injection
from vedette.simulate.labels import Label
from vedette.simulate.payloads import FAMILIES
from vedette.simulate.rows import SECOND, Rows, empty_rows, ends
from vedette.simulate.traffic import Block, Traffic
from vedette.simulate.world import World

_BLOCK_REQUESTS: Final = 50_000
_LONGEST_BLOCK: Final = 3600
_SLICE: Final = 40_000
"""Most rows that are handed out at a time, so that a flood does not need memory."""


class Run:
    """What happens in one simulated span, incidents included.

    Raises:
        SimulationError: An injection that does not fit the world.
    """

    def __init__(
        self,
        *,
        seed: int,
        start: datetime,
        seconds: int,
        rate: float,
        services: int,
        clients: int | None,
        injections: list[Injection],
        attack_share: float,
    ) -> None:
        self.world = World.build(seed=seed, start=start, seconds=seconds, rate=rate, services=services)
        self._traffic = Traffic(self.world, clients)
        self._injections = injections
        self._incidents = build_incidents(injections, start, self.world, self._traffic)
        self._attack_share = attack_share
        self._attacks: AttackShare | None = None
        self._block_seconds = int(np.clip(_BLOCK_REQUESTS / rate, 1, _LONGEST_BLOCK))

    def rows(self) -> Iterator[Rows]:
        """All requests that end within the log, in that order, labelled, some ten thousand at a time.

        The world's texts and agents are complete when this returns, before the first row is made.
        """
        if self._attack_share and self._attacks is None:
            self._attacks = AttackShare(self.world, self._attack_share, len(self._injections))
        return self._blocks()

    def _blocks(self) -> Iterator[Rows]:
        world, pending = self.world, empty_rows(0)
        first, last = world.rhythm.first * SECOND, world.end
        step = self._block_seconds * SECOND
        for number, begin in enumerate(range(first, last, step)):
            block = Block(number, begin, min(begin + step, last))
            rows = np.concatenate((pending, self._happening(block)))
            end = ends(rows)
            # Whatever starts later also ends later: what ended by now is complete.
            done = (end >= world.start) & (end < block.end)
            pending = rows[end >= block.end]
            ready, end = rows[done], end[done]
            order = np.argsort(end, kind="stable")
            for at in range(0, len(order), _SLICE):
                yield ready[order[at : at + _SLICE]]

    def labels(self, *, with_service: bool) -> list[Label]:
        """The incidents in the order of their numbers, their lines not yet known."""
        world = self.world
        labels = [
            Label(
                incident=injection.name,
                type=incident.type,
                start=incident.scene.start,
                end=incident.scene.end,
                service=incident.service() if with_service else None,
                route=incident.route(),
                entity=incident.entity(),
            )
            for injection, incident in zip(self._injections, self._incidents, strict=True)
        ]
        if self._attack_share:
            everything = Entity(EntityKind.ALL, "")
            labels += [
                Label(
                    incident=f.name,
                    type=f.type,
                    start=world.start,
                    end=world.end,
                    service=None,
                    route=None,
                    entity=everything,
                )
                for f in FAMILIES
            ]
        return labels

    def _happening(self, block: Block) -> Rows:
        rows = self._traffic.block(block)
        if self._attacks is not None:
            rows = self._attacks.change(rows, Draws(self.world.seed, 3, block.number))
        parts = []
        for number, incident in enumerate(self._incidents):
            # Sessions reach beyond their block by minutes, so every incident sees every block.
            rows = incident.change(rows, Draws(self.world.seed, 4, number, block.number))
            if incident.scene.start < block.end and incident.scene.end > block.start:
                parts.append(incident.add(block, Draws(self.world.seed, 9, number, block.number)))
        return np.concatenate((rows, *parts))
