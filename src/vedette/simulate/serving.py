"""How the site answers: status, size and latency of each request."""

from typing import Final

import numpy as np

from vedette.simulate import site
from vedette.simulate.draws import Draws, Floats, Ints, mixed_normal
from vedette.simulate.route import Kind, item, table
from vedette.simulate.rows import SECOND, Rows
from vedette.simulate.world import World

_LATENCY: Final = table(site.ROUTES, lambda r: r.latency)
_LATENCY_SPREAD: Final = table(site.ROUTES, lambda r: r.latency_spread)
_SIZE: Final = table(site.ROUTES, lambda r: r.size)
_SIZE_SPREAD: Final = table(site.ROUTES, lambda r: r.size_spread)
_BYTES_IN: Final = table(site.ROUTES, lambda r: r.bytes_in)
_IS_ASSET: Final = np.array([r.kind == Kind.ASSET for r in site.ROUTES])
_IS_PAGE: Final = np.array([r.kind in (Kind.PAGE, Kind.CALL) for r in site.ROUTES])

_MOST: Final = max(len(r.answer_mix()) for r in site.ROUTES)
_CODES: Final = np.zeros((len(site.ROUTES), _MOST), dtype=np.int16)
_CUMULATIVE: Final = np.ones((len(site.ROUTES), _MOST))
for _i, _route in enumerate(site.ROUTES):
    _mix = _route.answer_mix()
    _weights = np.cumsum([weight for _, weight in _mix])
    _CODES[_i, : len(_mix)] = [code for code, _ in _mix]
    _CODES[_i, len(_mix) :] = _mix[-1][0]
    _CUMULATIVE[_i, : len(_mix)] = _weights / _weights[-1]

_CACHED: Final = 0.42
"""Share of static files that a returning visitor's browser asks about and still has (304)."""
_SATURATION: Final = 3.2
"""Multiple of the mean rate beyond which requests are turned away."""
_LONGEST: Final = 58.0
"""Seconds after which a proxy gives up; nothing takes longer."""

ERROR_SIZE: Final = 612
NOT_FOUND_SIZE: Final = 1_184
REDIRECT_SIZE: Final = 178


def serve(world: World, rows: Rows, draws: Draws) -> None:
    """Answer requests for routes (not for free text): fills status, size, duration and bytes_in."""
    n = len(rows)
    route = rows["route"]
    load = load_at(world, rows["start"])
    u = draws.uniform(n)
    column = (u[:, None] >= _CUMULATIVE[route]).sum(axis=1)
    status = _CODES[route, np.minimum(column, _MOST - 1)]
    cached = _IS_ASSET[route] & (status == 200) & rows["returning"] & (draws.uniform(n) < _CACHED)
    status = np.where(cached, 304, status)
    status = np.where(turned_away(load, draws), 503, status)
    rows["status"] = status

    between = mixed_normal(item(rows["arg"]) + route.astype(np.int64) * 100_003, 41)
    # Two answers about the same thing differ a little, files not at all.
    within = np.where(_IS_PAGE[route], 0.06 * draws.normal(n), 0.0)
    size = (_SIZE[route] * np.exp(_SIZE_SPREAD[route] * between + within)).astype(np.int64)
    rows["size"] = answer_size(status, size)
    rows["duration"] = latency(_LATENCY[route], _LATENCY_SPREAD[route], load, status, draws)
    spread = np.where(_BYTES_IN[route] > 0, np.exp(0.2 * between), 0.0)
    rows["bytes_in"] = (_BYTES_IN[route] * spread).astype(np.int32)


def load_at(world: World, times: Ints) -> Floats:
    """How busy the site is at each time: 1 is the mean."""
    second = times // SECOND - world.rhythm.first
    return np.asarray(world.load[np.clip(second, 0, len(world.load) - 1)], dtype=np.float64)


def turned_away(load: Floats, draws: Draws) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which requests a saturated site refuses with 503."""
    return np.asarray(draws.uniform(len(load)) < np.clip((load - _SATURATION) * 0.05, 0.0, 0.45))


def answer_size(status: Ints, size: Ints) -> Ints:
    """Response bytes: `size` of a good answer, little of any other."""
    small = np.select(
        [status == 200, status == 304, status == 204, status == 404, (status >= 300) & (status < 400)],
        [size, 0, 0, NOT_FOUND_SIZE, REDIRECT_SIZE],
        default=ERROR_SIZE,
    )
    return np.asarray(small, dtype=np.int64)


def latency(median: Floats, spread: Floats, load: Floats, status: Ints, draws: Draws) -> Ints:
    """Durations in microseconds: lognormal, longer under load, short for what is refused or unchanged."""
    queueing = 1.0 + 0.25 * np.maximum(load - 1.0, 0.0) + np.minimum((load / _SATURATION) ** 3, 12.0)
    fast = np.select(
        [status == 304, status == 503, (status >= 300) & (status < 400)], [0.4, 0.3, 0.6], default=1.0
    )
    seconds = median * 0.9 * queueing * fast * np.exp(spread * draws.normal(len(median)))
    return np.asarray(np.clip(seconds, 0.0002, _LONGEST) * SECOND, dtype=np.int64)
