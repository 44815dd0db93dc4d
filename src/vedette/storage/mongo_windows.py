"""Blocks of windows in MongoDB."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from pymongo import ASCENDING, InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from vedette.schema.records import WindowRecord
from vedette.storage.blocks import pack, rows_of, unpack
from vedette.storage.mongo_access import Doc, behind
from vedette.storage.parts import BLOCKS_AT_ONCE, LONGEST_SPAN_US, Key, Part, key_of
from vedette.storage.store import WindowFilter
from vedette.storage.text import printable

DUPLICATE = 11000
"""MongoDB's code for a key that is there already."""


def put_windows(blocks: Collection[Doc], windows: Sequence[WindowRecord], epoch: int | None = None) -> None:
    """Keep windows; one of the same service, route, start and span is replaced.

    Args:
        epoch: Of the service that counted them: blocks that a newer one has written stay as they are. None for none.
    """
    by_key = {key: list(group) for key, group in groupby(sorted(windows, key=key_of), key=key_of)}
    # Where another writer was quicker, once more with what it wrote; what has been written already stays the same.
    while by_key and not _put(blocks, by_key, epoch):
        pass


def _put(blocks: Collection[Doc], by_key: dict[Key, list[WindowRecord]], epoch: int | None) -> bool:
    known = _blocks(blocks, by_key)
    changes: list[InsertOne[Doc] | UpdateOne] = []
    whose: Doc = {} if epoch is None else {"epoch": epoch}
    for key, some in by_key.items():
        service, part, start, span = key
        if (found := known.get(key)) is None:
            place = {"service": service, "part": int(part), "start_us": start, "span_s": span}
            changes.append(InsertOne(place | whose | {"revision": 0, "block": pack(some)}))
        elif epoch is None or found.get("epoch", 0) <= epoch:
            before = unpack(found["block"])
            block = pack([*rows_of(before, service, start, span), *some], before.covered)
            # Whoever writes it after this look raises its revision: nothing newer is written over.
            mine = {"_id": found["_id"], "revision": found["revision"]}
            changes.append(UpdateOne(mine, {"$set": {"block": block} | whose, "$inc": {"revision": 1}}))
    if not changes:
        return True
    try:
        done = blocks.bulk_write(changes, ordered=False)
    except BulkWriteError as error:
        if was_there(error):
            return False
        raise
    return done.inserted_count + done.matched_count == len(changes)


def was_there(error: BulkWriteError) -> bool:
    """Whether nothing else is wrong than that keys are there already."""
    return all(problem.get("code") == DUPLICATE for problem in error.details.get("writeErrors", ()))


def _blocks(blocks: Collection[Doc], keys: Iterable[Key]) -> dict[Key, Doc]:
    found = {}
    in_order = sorted(keys, key=lambda key: (key[0], key[1], key[3], key[2]))
    for (service, part, span), group in groupby(in_order, key=lambda key: (key[0], key[1], key[3])):
        starts = [start for _, _, start, _ in group]
        where = {"service": service, "part": int(part), "span_s": span, "start_us": {"$in": starts}}
        for one in blocks.find(where):
            found[service, part, one["start_us"], span] = one
    return found


def windows_after(
    blocks: Collection[Doc], chosen: WindowFilter, after: tuple[Any, ...] | None, most: int
) -> list[WindowRecord]:
    """At most `most` windows in order of start and span, behind the start and span of `after`."""
    return list(islice(_windows(blocks, chosen, after), most))


def _windows(
    blocks: Collection[Doc], chosen: WindowFilter, after: tuple[Any, ...] | None
) -> Iterator[WindowRecord]:
    service, route = printable(chosen.service), printable(chosen.route or "")
    where: list[Doc] = [{"service": service, "part": int(Part.ROUTES if route else Part.SERVICE)}]
    if chosen.until is not None:
        where.append({"start_us": {"$lt": chosen.until}})
    if chosen.since is not None:
        where.append({"start_us": {"$gt": chosen.since - LONGEST_SPAN_US}})
    if after is not None:
        where.append(behind(("start_us", "span_s"), after))
    order = [("start_us", ASCENDING), ("span_s", ASCENDING)]
    for found in blocks.find({"$and": where}).sort(order).batch_size(BLOCKS_AT_ONCE):
        start, span = found["start_us"], found["span_s"]
        if chosen.since is None or start + span * 1_000_000 > chosen.since:
            yield from rows_of(unpack(found["block"]), service, start, span, route)
