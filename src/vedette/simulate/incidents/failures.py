"""Incidents that change how ordinary requests fare."""

from typing import Final

import numpy as np

from vedette.schema.anomaly import AnomalyType
from vedette.simulate import site
from vedette.simulate.draws import Draws, cumulative
from vedette.simulate.incidents.base import Incident, Mask
from vedette.simulate.route import Kind
from vedette.simulate.rows import SECOND, Rows
from vedette.simulate.serving import ERROR_SIZE

_DYNAMIC: Final = np.array([r.kind in (Kind.PAGE, Kind.ACTION, Kind.CALL) for r in site.ROUTES])
_PROBE: Final = np.array([r.kind == Kind.PROBE for r in site.ROUTES])
_ERRORS: Final = np.array([500, 502, 503, 504])
_ERROR_WEIGHTS: Final = cumulative([72.0, 14.0, 10.0, 4.0])
_GATEWAY_TIMEOUT: Final = 30 * SECOND
_LONGEST: Final = 58 * SECOND


class ErrorSpike(Incident):
    """More than half of the dynamic requests answered with 5xx (`*0.2`: one in ten)."""

    type = AnomalyType.ERROR_SPIKE
    share = 0.55

    def change(self, rows: Rows, draws: Draws) -> Rows:
        """Fail a share of the covered requests."""
        hit = self.scene.covers(rows) & (rows["status"] < 500)
        if not self.scene.routes:
            hit &= _DYNAMIC[rows["route"]]
        hit &= draws.uniform(len(rows)) < self.share * self.scene.intensity
        _fail(rows, hit, _ERRORS[draws.choose(int(hit.sum()), _ERROR_WEIGHTS)])
        rows["label"][hit] = self.scene.number
        return rows


class LatencySpike(Incident):
    """Requests take eight times as long, with nothing else wrong."""

    type = AnomalyType.LATENCY_SPIKE
    factor = 7.0

    def change(self, rows: Rows, draws: Draws) -> Rows:
        """Slow the covered requests down."""
        hit = self.scene.covers(rows) & ~_PROBE[rows["route"]]
        if not self.scene.routes:
            hit &= _DYNAMIC[rows["route"]]
        slower = 1.0 + self.factor * self.scene.intensity * draws.lognormal(len(rows), 0.3)
        slowed = np.minimum(rows["duration"] * slower, _LONGEST).astype(np.int64)
        rows["duration"] = np.where(hit, np.maximum(slowed, rows["duration"]), rows["duration"])
        rows["label"][hit] = self.scene.number
        return rows


class TrafficDrop(Incident):
    """Nine in ten requests never arrive; probes still do. No line can be labelled: they are missing."""

    type = AnomalyType.TRAFFIC_DROP
    lasts = 600
    share = 0.9

    def change(self, rows: Rows, draws: Draws) -> Rows:
        """Lose a share of the covered requests."""
        lost = self.scene.covers(rows) & ~_PROBE[rows["route"]]
        lost &= draws.uniform(len(rows)) < self.share * self.scene.intensity
        kept: Rows = rows[~lost]
        return kept


class Deploy(Incident):
    """A rolling restart: a third of the requests get 502 or 503, then caches are cold. No anomaly."""

    type = None
    lasts = 20
    share = 0.35

    def change(self, rows: Rows, draws: Draws) -> Rows:
        """Fail some requests in the first half, slow the others down in the second."""
        scene = self.scene
        covered = scene.covers(rows)
        restarting = rows["start"] < (scene.start + scene.end) // 2
        hit = covered & restarting & (draws.uniform(len(rows)) < self.share * scene.intensity)
        _fail(rows, hit, np.where(draws.uniform(int(hit.sum())) < 0.7, 502, 503))
        cold = covered & ~restarting
        rows["duration"][cold] = np.minimum(rows["duration"][cold] * 3, _LONGEST)
        rows["label"][hit | cold] = scene.number
        return rows


def _fail(rows: Rows, hit: Mask, status: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
    rows["status"][hit] = status
    rows["size"][hit] = ERROR_SIZE
    rows["duration"][hit] = np.where(status == 504, _GATEWAY_TIMEOUT, rows["duration"][hit] // 2 + 900)
