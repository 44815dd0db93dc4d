"""What a live service keeps in MongoDB, besides findings."""

import threading
import time
from collections.abc import Mapping, Sequence

import msgspec
from pymongo import ASCENDING, DESCENDING, ReturnDocument

from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.live import Commit, Notice, Resume
from vedette.storage import rows as to
from vedette.storage.keeper import DOCUMENT as KEEPER
from vedette.storage.keeper import Keeper, refuse_running, taken_over
from vedette.storage.live import (
    AuditLine,
    Resolution,
    Retention,
    Stats,
    StoredKey,
    Telling,
    checked_document,
    checked_ids,
)
from vedette.storage.mongo import FENCED, MongoStore, Work
from vedette.storage.mongo_access import Doc
from vedette.storage.mongo_filters import anomalies_where
from vedette.storage.mongo_retention import prune
from vedette.storage.store import COUNT_LIMIT, AnomalyFilter, Page
from vedette.storage.text import document, printable


class MongoLiveStore(MongoStore):
    """Implements `LiveStore`; see `MongoStore` for how a commit is all or nothing."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        super().__init__(url, create=create)
        self._committing = threading.Lock()
        self._keeper: bytes | None = None

    @property
    def problem(self) -> str | None:
        """See `LiveStore`: here nothing waits."""
        return None

    def flush(self) -> None:
        """See `LiveStore`: here nothing waits."""

    def begin(self, keeper: Keeper) -> None:
        """See `LiveStore`; what was under way when it began, epochs refuse."""
        refuse_running(self._name, self.document(KEEPER))
        own = keeper.to_document()
        self.put_document(KEEPER, own)
        self._keeper = own

    def _check_keeper(self) -> None:
        """Raise if another service has begun to keep the store; if somebody has removed who keeps it, nobody has."""
        if self._keeper is None:
            return
        content = self.document(KEEPER)
        if content is not None and content != self._keeper:
            raise taken_over(self._name, content)

    def commit(self, commit: Commit) -> None:
        """See `LiveStore`."""
        work = Work(
            anomalies=commit.anomalies,
            incidents=commit.incidents,
            windows=commit.windows,
            baselines=commit.baselines,
            notices=commit.notices,
            analysed=commit.time,
            positions=commit.positions if commit.state is not None else None,
        )
        with self._committing, self._explained():
            self._check_keeper()
            self._finish_others()
            if self._epoch is None:
                self._epoch = self._next_epoch()
            self._write(work, commit.state)

    def _next_epoch(self) -> int:
        """From now on, what other services have not written whole counts no more."""
        epoch = self._later_by(1)
        if epoch > 1:
            return epoch
        # Somebody has removed the state alone: what was found under it must not be newer than what is found now.
        newest = [self._in(name).find_one({}, {"epoch": 1}, sort=[("epoch", DESCENDING)]) for name in FENCED]
        known = max(int(found.get("epoch", 0)) for found in (*newest, {}) if found is not None)
        return self._later_by(known) if known else epoch

    def _later_by(self, epochs: int) -> int:
        changed = self._in("live_state").find_one_and_update(
            {"_id": 1}, {"$inc": {"epoch": epochs}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return int(changed["epoch"]) if changed is not None else 0

    def resume(self) -> Resume | None:
        """See `LiveStore`."""
        with self._committing, self._explained():
            self._finish_others()
            found = self._in("live_state").find_one({"_id": 1, "state_key": {"$exists": True}})
            if found is None:
                return None
            state = self._chunks(found["state_key"], "state", found["state_chunks"])
        try:
            positions = msgspec.msgpack.decode(found["positions"], type=dict[str, bytes])
        except msgspec.DecodeError as error:
            raise self._damaged(f"the positions of sources cannot be read back ({error})") from None
        return Resume(time=found["time_us"], state=state, positions=positions)

    def untold(self, now: int, limit: int = 100) -> Sequence[Notice]:
        """See `LiveStore`."""
        where = {"settled": 0, "due_us": {"$lte": now}}
        self._check_keeper()
        with self._explained():
            order = [("time_us", ASCENDING), ("_id", ASCENDING)]
            found = list(self._in("notices").find(where).sort(order).limit(limit))
        return [self._reader(Notice)(one) for one in found]

    def notice(self, notice_id: str) -> Notice | None:
        """See `LiveStore`."""
        return self._one("notices", Notice, notice_id)

    def tellings(self, notice_id: str) -> Sequence[Telling]:
        """See `LiveStore`."""
        with self._explained():
            found = list(self._in("tellings").find({"notice_id": notice_id}).sort("channel"))
        return [self._reader(Telling)(one) for one in found]

    def tell(self, telling: Telling) -> None:
        """See `LiveStore`."""
        with self._explained():
            self._put("tellings", ("notice_id", "channel"), [to.telling_values(telling)])
            where = {"notice_id": telling.notice_id, "next_try_us": {"$ne": None}}
            first = self._in("tellings").find_one(where, sort=[("next_try_us", ASCENDING)])
            due = first["next_try_us"] if first is not None else 0
            self._in("notices").update_one({"_id": telling.notice_id}, {"$set": {"due_us": due}})

    def settle(self, notice_id: str) -> None:
        """See `LiveStore`."""
        with self._explained():
            self._in("notices").update_one({"_id": notice_id}, {"$set": {"settled": 1}})

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        """See `LiveStore`."""
        order = [("at_us", int), ("notice_id", str), ("channel", str)]
        return self._page("tellings", {}, order, limit, cursor, self._reader(Telling), newest_first=True)

    def resolve(self, resolution: Resolution) -> bool:
        """See `LiveStore`."""
        change = {"$set": {"resolution": document(resolution)}}
        with self._explained():
            found = self._in("anomalies").update_one({"_id": resolution.anomaly_id}, change)
        return found.matched_count == 1

    def resolutions(self, anomaly_ids: Sequence[str]) -> Mapping[str, Resolution]:
        """See `LiveStore`."""
        where = {"_id": {"$in": checked_ids(anomaly_ids)}, "resolution": {"$ne": None}}
        with self._explained():
            found = list(self._in("anomalies").find(where, {"resolution": 1}))
        read = self._reader(Resolution)
        return {one["_id"]: read({"_id": one["_id"], "document": one["resolution"]}) for one in found}

    def count_anomalies(self, chosen: AnomalyFilter | None = None, most: int = COUNT_LIMIT) -> int:
        """See `LiveStore`."""
        with self._explained():
            return self._in("anomalies").count_documents(
                anomalies_where(chosen or AnomalyFilter()), limit=most
            )

    def stats(self) -> Stats:
        """See `LiveStore`."""
        kinds: list[Doc] = [
            {"$group": {"_id": {"type": "$type", "severity": "$severity"}, "rows": {"$sum": 1}}}
        ]
        with self._explained():
            counts = list(self._in("anomalies").aggregate(kinds))
            said = self._in("anomalies").count_documents({"resolution": {"$ne": None}})
            state = self._in("live_state").find_one({"_id": 1}, {"analysed_us": 1})
        by_severity = {severity.value: 0 for severity in Severity}
        by_type: dict[str, int] = {}
        for one in counts:
            by_severity[tuple(Severity)[one["_id"]["severity"]].value] += one["rows"]
            by_type[one["_id"]["type"]] = by_type.get(one["_id"]["type"], 0) + one["rows"]
        total = sum(by_type.values())
        return Stats(
            total=total,
            by_severity=by_severity,
            by_type={kind.value: by_type[kind.value] for kind in AnomalyType if kind.value in by_type},
            unresolved=total - said,
            last_analysis=state.get("analysed_us") if state is not None else None,
        )

    def audit(self, line: AuditLine) -> None:
        """See `LiveStore`."""
        with self._explained():
            self._put("audits", ("_id",), [to.audit_values(line)])

    def audits(self, *, limit: int = 100, cursor: str | None = None) -> Page[AuditLine]:
        """See `LiveStore`."""
        order = [("at_us", int), ("_id", str)]
        return self._page("audits", {}, order, limit, cursor, self._reader(AuditLine), newest_first=True)

    def keys(self) -> Sequence[StoredKey]:
        """See `LiveStore`."""
        with self._explained():
            found = list(self._in("api_keys").find().sort("_id"))
        return [self._reader(StoredKey)(one) for one in found]

    def put_key(self, key: StoredKey) -> None:
        """See `LiveStore`."""
        row = to.key_values(key)
        with self._explained():
            self._put("api_keys", ("_id",), [{"_id": row["name"], "document": row["document"]}])

    def document(self, name: str) -> bytes | None:
        """See `LiveStore`."""
        with self._explained():
            found = self._in("documents").find_one({"_id": printable(name)})
        return None if found is None else bytes(found["content"])

    def put_document(self, name: str, content: bytes) -> None:
        """See `LiveStore`."""
        row = {"_id": name, "content": checked_document(name, content)}
        with self._explained():
            self._put("documents", ("_id",), [row])

    def prune(self, now: int, retention: Retention) -> dict[str, int]:
        """See `LiveStore`."""
        with self._explained():
            return prune(self._in, now, retention, time.sleep)
