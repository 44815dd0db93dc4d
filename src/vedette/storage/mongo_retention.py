"""Rolling up and removing what is old in MongoDB, a little at a time."""

from collections.abc import Callable

from pymongo import ASCENDING
from pymongo.collection import Collection

from vedette.storage.live import Retention
from vedette.storage.mongo_access import Doc
from vedette.storage.rollup import HOUR_S, HOUR_US, rolled_block

SLICE_ROWS = 500
"""Rows removed at one time."""
PAUSE_S = 0.05
"""Between two times."""

Collections = Callable[[str], Collection[Doc]]


def prune(
    collections: Collections, now: int, retention: Retention, wait: Callable[[float], None]
) -> dict[str, int]:
    """See `LiveStore.prune`; rows by kind as in `sql_retention.prune`."""
    removed: dict[str, int] = {}

    def remove(kind: str, name: str, where: Doc, with_them: tuple[str, str] | None = None) -> None:
        removed[kind] = 0
        while ids := [found["_id"] for found in collections(name).find(where, {"_id": 1}).limit(SLICE_ROWS)]:
            if with_them is not None:
                collections(with_them[0]).delete_many({with_them[1]: {"$in": ids}})
            collections(name).delete_many({"_id": {"$in": ids}})
            removed[kind] += len(ids)
            wait(PAUSE_S)

    if retention.fine_windows is not None:
        removed["rolled_up"] = 0
        while (blocks := _roll_up_hour(collections("windows"), now - retention.fine_windows)) is not None:
            removed["rolled_up"] += blocks
            wait(PAUSE_S)
    if retention.windows is not None:
        cut = now - retention.windows
        end = {"$add": ["$start_us", {"$multiply": ["$span_s", 1_000_000]}]}
        remove("windows", "windows", {"start_us": {"$lt": cut}, "$expr": {"$lte": [end, cut]}})
    if retention.anomalies is not None:
        cut = now - retention.anomalies
        for kind in ("anomalies", "incidents"):
            remove(kind, kind, {"start_us": {"$lt": cut}, "end_us": {"$lte": cut}})
    if retention.alerts is not None:
        old = {"time_us": {"$lte": now - retention.alerts}}
        remove("notices_untold", "notices", old | {"settled": 0}, ("tellings", "notice_id"))
        remove("notices", "notices", old | {"settled": 1}, ("tellings", "notice_id"))
    if retention.audits is not None:
        remove("audits", "audits", {"at_us": {"$lte": now - retention.audits}})
    _remove_orphans(collections, now)
    return removed


def _roll_up_hour(blocks: Collection[Doc], before: int) -> int | None:
    """As `sql_rollup.roll_up_hour`. Killed between the two writes, the second try adds nothing a second time."""
    last = before - before % HOUR_US
    short: Doc = {"span_s": {"$lt": HOUR_S}}
    order = [(name, ASCENDING) for name in ("service", "part", "start_us")]
    oldest = blocks.find_one(short | {"start_us": {"$lt": last}}, sort=order)
    if oldest is None:
        return None
    start = oldest["start_us"] - oldest["start_us"] % HOUR_US
    place: Doc = {"service": oldest["service"], "part": oldest["part"]}
    hour = place | {"start_us": {"$gte": start, "$lt": start + HOUR_US}}
    found = list(blocks.find(hour | {"span_s": {"$lte": HOUR_S}}).sort("start_us"))
    rolled = rolled_block(
        oldest["service"], start, ((one["start_us"], one["span_s"], one["block"]) for one in found)
    )
    # Of the newest service that has a part in it.
    epoch = max(int(one.get("epoch", 0)) for one in found)
    change = {"$set": {"block": rolled}, "$inc": {"revision": 1}, "$max": {"epoch": epoch}}
    blocks.update_one(place | {"start_us": start, "span_s": HOUR_S}, change, upsert=True)
    blocks.delete_many({"_id": {"$in": [one["_id"] for one in found if one["span_s"] < HOUR_S]}})
    return len(found)


def _remove_orphans(collections: Collections, now: int) -> None:
    """Chunks of writers that were killed before they had written all of them."""
    used = [found["_id"] for found in collections("pending").find({}, {"_id": 1})]
    used += [found["state_key"] for found in collections("live_state").find({"state_key": {"$exists": True}})]
    collections("chunks").delete_many({"key": {"$nin": used}, "made_us": {"$lt": now - HOUR_US}})
