"""A store in MongoDB."""

import time
import uuid
import zlib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident
from vedette.schema.live import Notice
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord
from vedette.storage import rows as to
from vedette.storage.cursor import write_cursor
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.mongo_access import Doc, MongoAccess
from vedette.storage.mongo_filters import anomalies_where, incidents_where
from vedette.storage.mongo_windows import put_windows, was_there, windows_after
from vedette.storage.store import AnomalyFilter, IncidentFilter, Page, WindowFilter
from vedette.storage.text import document, printable

BATCH_ROWS = 1000
"""Rows of `save_windows` and `save_baselines` that are taken at one time."""
FENCED = ("anomalies", "incidents", "notices", "windows", "baselines")
"""Collections whose rows hold the epoch of the service that wrote them."""
CHUNK_BYTES = 8 << 20
"""Of what is longer than a document may be (16 MiB)."""


class Work(msgspec.Struct, kw_only=True):
    """What is written together."""

    anomalies: Sequence[Anomaly] = ()
    incidents: Sequence[Incident] = ()
    windows: Sequence[WindowRecord] = ()
    baselines: Sequence[BaselineRecord] = ()
    notices: Sequence[Notice] = ()
    run: RunRecord | None = None
    analysed: int | None = None
    """`Commit.time`."""
    positions: dict[str, bytes] | None = None
    """None where there is no state."""


class MongoStore(MongoAccess):
    """Implements `Store`.

    All or nothing, on a replica set as on a single server, without the limits of transactions: what belongs together
    is first written whole, in chunks that nobody looks at; then one small document, `pending`, says that it is all
    there. Writing that is the commit. Then each thing is put in its place, where a repetition changes nothing, and
    `pending` goes. Whoever was killed in between is finished by the next that writes or resumes. So nothing of a
    commit is ever lost or half there to a service that resumes; a reader may see the first of its findings a moment
    before the last.

    A server may end a statement of a service that was killed long after another has gone on in its place. So services
    are numbered: each takes the next epoch with its first commit, and only what is of the newest changes the state.
    What an older one had not written whole by then was acknowledged to nobody, and is dropped. Anomalies, incidents,
    notices, baselines and blocks of windows hold the epoch that wrote them, too, and one of an older changes them no
    more: an incident that has closed since stays closed.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        super().__init__(url, create=create)
        self._writer = uuid.uuid4().hex
        self._works = 0
        self._epoch: int | None = None
        """Of a service, from its first commit on."""

    def save(self, findings: Findings, run: RunRecord | None = None) -> None:
        """See `Store`."""
        with self._explained():
            self._finish_others()
            self._write(Work(anomalies=findings.anomalies, incidents=findings.incidents, run=run), None)

    def save_windows(self, rows: Iterable[WindowRecord]) -> int:
        """See `Store`."""
        saved, waiting = 0, iter(rows)
        while batch := list(islice(waiting, BATCH_ROWS)):
            with self._explained():
                put_windows(self._in("windows"), batch)
            saved += len(batch)
        return saved

    def save_baselines(self, rows: Iterable[BaselineRecord]) -> int:
        """See `Store`."""
        saved, waiting = 0, iter(rows)
        while batch := list(islice(waiting, BATCH_ROWS)):
            with self._explained():
                self._put_baselines(batch)
            saved += len(batch)
        return saved

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """See `Store`."""
        return self._one("anomalies", Anomaly, anomaly_id)

    def incident(self, incident_id: str) -> Incident | None:
        """See `Store`."""
        return self._one("incidents", Incident, incident_id)

    def anomalies(
        self, chosen: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Anomaly]:
        """See `Store`."""
        return self._found("anomalies", Anomaly, anomalies_where(chosen or AnomalyFilter()), limit, cursor)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        """See `Store`."""
        return self._found("incidents", Incident, incidents_where(chosen or IncidentFilter()), limit, cursor)

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        """See `Store`."""
        after = self._after([("start_us", int), ("span_s", int)], limit, cursor)
        with self._explained():
            found = windows_after(self._in("windows"), chosen, after, limit + 1)
        last = write_cursor([found[limit - 1].start, found[limit - 1].span_s]) if len(found) > limit else None
        return Page(found[:limit], last)

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        """See `Store`."""
        where = {} if service is None else {"service": printable(service)}
        order = [(name, str) for name in ("service", "route", "metric", "season")]
        return self._page("baselines", where, order, limit, cursor, _baseline_of)

    def runs(self, *, limit: int = 100, cursor: str | None = None) -> Page[RunRecord]:
        """See `Store`."""
        order = [("started_us", int), ("_id", str)]
        return self._page("runs", {}, order, limit, cursor, self._reader(RunRecord), newest_first=True)

    def _found(
        self, collection: str, kind: type[Any], where: Doc, limit: int, cursor: str | None
    ) -> Page[Any]:
        order = [("start_us", int), ("_id", str)]
        return self._page(collection, where, order, limit, cursor, self._reader(kind), newest_first=True)

    def _write(self, work: Work, state: bytes | None) -> None:
        """All of it, or nothing."""
        self._works += 1
        key = f"{self._writer}.{self._works}"
        body = zlib.compress(document(work).encode())
        pending = {
            "_id": key,
            "made_us": time.time_ns() // 1000,
            "body": self._put_chunks(key, "body", body),
            "state": None if state is None else self._put_chunks(key, "state", state),
            "epoch": self._epoch,
        }
        self._in("pending").insert_one(pending)
        self._apply(pending, work)

    def _finish_others(self) -> None:
        """Put in its place what somebody has written whole, and then was killed."""
        for pending in self._in("pending").find().sort("made_us"):
            theirs = pending.get("epoch")
            if self._epoch is not None and theirs is not None and theirs < self._epoch:
                self._in("pending").delete_one({"_id": pending["_id"]})
                self._in("chunks").delete_many({"key": pending["_id"]})
                continue
            body = zlib.decompress(self._chunks(pending["_id"], "body", pending["body"]))
            self._apply(pending, msgspec.json.decode(body, type=Work))

    def _apply(self, pending: Doc, work: Work) -> None:
        if work.analysed is not None:
            # Before anything else: who is not the newest any more changes nothing.
            self._put_state(pending, work)
        epoch = pending.get("epoch")
        run_id = work.run.id if work.run is not None else None
        if work.run is not None:
            self._put("runs", ("_id",), [to.run_values(work.run)])
        anomalies = [to.anomaly_values(anomaly, run_id) for anomaly in work.anomalies]
        self._put("anomalies", ("_id",), anomalies, first={"resolution": None}, epoch=epoch)
        incidents = [
            to.incident_values(incident, run_id)
            | {"services": [printable(name) for name in incident.services]}
            for incident in work.incidents
        ]
        self._put("incidents", ("_id",), incidents, epoch=epoch)
        put_windows(self._in("windows"), work.windows, epoch)
        self._put_baselines(work.baselines, epoch)
        notices = [to.notice_values(notice) for notice in work.notices]
        self._put("notices", ("_id",), notices, first={"due_us": 0, "settled": 0}, epoch=epoch)
        self._in("pending").delete_one({"_id": pending["_id"]})
        self._in("chunks").delete_many({"key": pending["_id"], "kind": "body"})
        if pending["state"] is not None:
            before = {"key": {"$ne": pending["_id"]}, "kind": "state", "made_us": {"$lt": pending["made_us"]}}
            self._in("chunks").delete_many(before)

    def _put_state(self, pending: Doc, work: Work) -> None:
        row: Doc = {"analysed_us": work.analysed}
        if pending["state"] is not None:
            row |= {
                "time_us": work.analysed,
                "positions": msgspec.msgpack.encode(work.positions),
                "state_key": pending["_id"],
                "state_chunks": pending["state"],
            }
        epoch = pending.get("epoch")
        where: Doc = {"_id": 1} if epoch is None else {"_id": 1, "epoch": epoch}
        found = self._in("live_state").update_one(where, {"$set": row}, upsert=epoch is None)
        if epoch is not None and epoch == self._epoch and not found.matched_count:
            nobody = {"_id": 1, "epoch": {"$exists": False}}
            if self._in("live_state").find_one({"_id": 1, "epoch": {"$exists": True}}) is None:
                # Somebody has emptied the database.
                self._in("live_state").update_one(nobody, {"$set": row | {"epoch": epoch}}, upsert=True)
                return
            raise StoreError(
                self._name,
                StoreProblem.LOCKED,
                "another vedette has taken it over: end one of them, or give each a store of its own",
            )

    def _put(
        self,
        collection: str,
        keys: Sequence[str],
        rows: Sequence[to.Values],
        first: Doc | None = None,
        epoch: int | None = None,
    ) -> None:
        """Insert rows, or replace those with the same keys, but for the fields of `first`, which a new one gets.

        Args:
            epoch: Of the service that found them: rows of a newer one stay as they are. None for no service.
        """
        changes = []
        for row in rows:
            values = {
                name: printable(value) if isinstance(value, str) else value for name, value in row.items()
            }
            if "id" in values:
                values["_id"] = values.pop("id")
            place = {key: values.pop(key) for key in keys}
            for name in first or ():
                values.pop(name, None)
            if epoch is not None:
                place["$or"] = [{"epoch": {"$exists": False}}, {"epoch": {"$lte": epoch}}]
                values["epoch"] = epoch
            change: Doc = {"$set": values}
            if first:
                change["$setOnInsert"] = first
            changes.append(UpdateOne(place, change, upsert=True))
        for start in range(0, len(changes), BATCH_ROWS):
            try:
                self._in(collection).bulk_write(changes[start : start + BATCH_ROWS], ordered=epoch is None)
            except BulkWriteError as error:
                # What a newer service has written is not found, and cannot be written anew.
                if epoch is None or not was_there(error):
                    raise

    def _put_baselines(self, rows: Sequence[BaselineRecord], epoch: int | None = None) -> None:
        keys = ("service", "route", "metric", "season")
        self._put("baselines", keys, [to.baseline_values(row) for row in rows], epoch=epoch)

    def _put_chunks(self, key: str, kind: str, data: bytes) -> int:
        count = 0
        for start in range(0, max(len(data), 1), CHUNK_BYTES):
            chunk = {"key": key, "kind": kind, "made_us": time.time_ns() // 1000, "number": count}
            self._in("chunks").insert_one(chunk | {"data": data[start : start + CHUNK_BYTES]})
            count += 1
        return count

    def _chunks(self, key: str, kind: str, count: int) -> bytes:
        found = list(self._in("chunks").find({"key": key, "kind": kind}).sort("number"))
        if len(found) != count:
            raise self._damaged(f"of {count} chunks of a {kind} {len(found)} are there")
        return b"".join(chunk["data"] for chunk in found)


def _baseline_of(found: Doc) -> BaselineRecord:
    apart = ("_id", "epoch", "route", "last_updated_us")
    values = {name: value for name, value in found.items() if name not in apart}
    return BaselineRecord(last_updated=found["last_updated_us"], route=found["route"] or None, **values)
