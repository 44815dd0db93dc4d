"""A running service and its store, held in memory, that the routes are tried against."""

import json
from collections.abc import Iterator, Sequence
from queue import Empty, Queue
from typing import Any

import httpx

from vedette.config.server import Server
from vedette.live.view import STARTING, Counters, Event, Health, Preparation, Pushed
from vedette.report.json import as_json
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import EverydayRequests
from vedette.schema.incident import Incident
from vedette.schema.judged import LogData
from vedette.schema.live import DetectedLine, DetectedLines, MemberWeight, MemberWeights
from vedette.schema.records import BaselineRecord, ForecastRecord, WindowRecord
from vedette.server.app import create_app
from vedette.server.keys import make_key
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.live import AuditLine, Resolution, Stats, StoredKey, Telling
from vedette.storage.store import AnomalyFilter, IncidentFilter, Page, WindowFilter

NOON = 1_772_452_800_000_000
"""2026-03-02 12:00 UTC."""


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e6)


def _log(line: bytes, session: str | None) -> LogData:
    """What a line says; its session and itself stand where a test can see them."""
    texts = dict.fromkeys(("method", "query", "protocol", "referer"))
    numbers = dict.fromkeys(("status", "bytes_in", "bytes_out", "duration"))
    return LogData(
        ip="192.0.2.1",
        path=line.decode(),
        host=session,
        user_agent=None,
        time="2026-03-02T12:00:00.000000Z",
        format="combined",
        **texts,
        **numbers,
    )


class MemoryView:
    """Calls lines with `attack` in them anomalies, and lines without a blank no access log."""

    def __init__(self) -> None:
        self.pushed: list[tuple[str, bytes, str | None, str | None]] = []
        self.room = 1 << 30
        self.excluded: list[tuple[str, str, int | None]] = []
        self.settings: dict[str, Any] = {"alarm": {"budget": "1/week"}}
        self.queue: Queue[Event | None] = Queue()
        self.problems: tuple[str, ...] = ()
        self.judged = 0
        self.usual: list[EverydayRequests] = []
        self.foreseen: list[ForecastRecord] | None = []
        self.answered: list[tuple[str, bool]] = []
        self.reweighed: str | None = None
        self.preparation: Preparation | None = None

    @property
    def ready(self) -> bool:
        return self.preparation is None

    def health(self) -> Health:
        return Health(
            status=STARTING if self.preparation else "degraded" if self.problems else "ok",
            phase=STARTING if self.preparation else "waiting",
            logs_processed=self.judged,
            transformer_ready=False,
            active_models=("rules",),
            problems=self.problems,
            preparation=self.preparation,
        )

    def status(self) -> dict[str, Any]:
        return {
            "logs_processed": self.judged,
            "warmup_target": 1000,
            "warmup_complete": False,
            "training_in_progress": False,
            "isolation_forest_ready": False,
            "transformer_ready": False,
            "vocabulary_size": 0,
            "training_sequences": 0,
            "iso_training_samples": 0,
            "active_models": {"rules": True},
            "phase": "waiting",
            "preparation": self.preparation,
        }

    def counters(self) -> Counters:
        return Counters(
            lines=10,
            parsed=9,
            skipped={"bad_json": 1},
            late=0,
            anomalies={("shop", "sql_injection", "high"): 2},
            incidents_open=1,
            windows=3,
            commits=2,
            commit_errors=0,
            analysis_seconds=0.5,
            analysis_count=4,
            baselines=7,
            queue_bytes=0,
            dropped={},
            capped={},
            lag_s=None,
            sampling=1.0,
        )

    def detect(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[DetectedLine]:
        assert len(lines) == len(sessions)
        self.judged += len(lines)
        return [self._one(line, session) for line, session in zip(lines, sessions, strict=True)]

    def detect_all(
        self, lines: Sequence[bytes], sessions: Sequence[str | None], separator: bytes | None = None
    ) -> DetectedLines:
        found = self.detect(lines, sessions)
        unread = sum(said.details["log_data"] is None for said in found)
        answers = [as_json(said) for said in found]
        if separator is not None and not unread:
            answers = [separator.join(answers)]
        return DetectedLines(answers, sum(f.is_anomaly for f in found), unread)

    def _one(self, line: bytes, session: str | None) -> DetectedLine:
        attack = b"attack" in line
        read = b" " in line
        rules = {
            "is_attack": attack,
            "attack_types": ["sql_injection"] if attack else [],
            "confidence": 0.9 if attack else 0.0,
            "patterns_matched": [],
            "matches": [],
        }
        return DetectedLine(
            is_anomaly=attack,
            anomaly_score=0.9 if attack else 0.0,
            phase="waiting",
            timestamp="2026-03-02T12:00:00.000000Z",
            details={
                "logs_processed": self.judged,
                "rule_based": rules,
                "isolation_forest": {"status": "not_ready"},
                "transformer": {"status": "not_ready"},
                "parameters": {"status": "not_ready", "is_anomaly": None, "score": None, "why": "new"},
                "ensemble": {
                    "score": 0.9 if attack else 0.0,
                    "votes": {"rules": attack},
                    "evidence": {"rules": 5.0 if attack else -4.5},
                    "weights": {"rules": 1.0},
                    "active_models": ["rules"],
                },
                "log_data": _log(line, session) if read else None,
                "reason": None if read else "no access log",
            },
        )

    def push(
        self,
        stream: str,
        lines: bytes,
        *,
        format: str | None = None,  # noqa: A002
        service: str | None = None,
    ) -> Pushed:
        count = lines.count(b"\n")
        if len(lines) > self.room:
            return Pushed(taken=0, refused=count, reason="the journal is full", retry_after_s=7.0)
        self.pushed.append((stream, lines, format, service))
        return Pushed(taken=count)

    def events(self, after: int | None) -> Iterator[Event | None]:
        while True:
            try:
                event = self.queue.get(timeout=0.05)
            except Empty:
                event = None
            yield event

    def everyday(self) -> list[EverydayRequests]:
        return self.usual

    def forecast(self, service: str, horizon_s: int) -> list[ForecastRecord]:
        if self.foreseen is None:
            raise TimeoutError
        return self.foreseen if service == "shop" and horizon_s else []

    def answer(self, anomaly_id: str, *, real: bool) -> str | None:
        self.answered.append((anomaly_id, real))
        return self.reweighed

    def weights(self) -> MemberWeights:
        return MemberWeights(
            members=(MemberWeight("rule_based", 0.5, 0.7),),
            fitted=True,
            reason="",
            confirmed=30,
            false_alarms=22,
            different=44,
            needed=20,
        )

    def configuration(self) -> dict[str, Any]:
        return self.settings

    def configure(self, changes: dict[str, Any]) -> list[str]:
        if "nonsense" in changes:
            return ["nonsense: no such key"]
        self.settings = {**self.settings, **changes}
        return []

    def exclude(self, anomaly_id: str, note: str, until_days: int | None) -> str | None:
        if note == "impossible":
            return "what it rests on was not kept"
        self.excluded.append((anomaly_id, note, until_days))
        return None


class MemoryStore:
    """What the routes ask of a store, from lists."""

    def __init__(self) -> None:
        self.found: list[Anomaly] = []
        self.grouped: list[Incident] = []
        self.closed: list[WindowRecord] = []
        self.normal: list[BaselineRecord] = []
        self.said: dict[str, Resolution] = {}
        self.audited: list[AuditLine] = []
        self.ring: dict[str, StoredKey] = {}
        self.documents: dict[str, bytes] = {}
        self.told: list[Telling] = []
        self.broken = False

    def _page(self, items: list[Any], limit: int, cursor: str | None) -> Page[Any]:
        if self.broken:
            raise StoreError("sqlite:///v.db", StoreProblem.FULL, "its disk is full")
        if cursor is not None and not cursor.isdecimal():
            raise StoreError("sqlite:///v.db", StoreProblem.BAD_CURSOR, "no cursor")
        first = int(cursor or 0)
        past = first + limit
        return Page(items[first:past], str(past) if past < len(items) else None)

    def anomalies(
        self, chosen: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Anomaly]:
        f = chosen or AnomalyFilter()
        kept = [
            a
            for a in sorted(self.found, key=lambda a: -a.start)
            if (not f.types or a.type in f.types)
            and (not f.severities or a.severity in f.severities)
            and a.severity.rank >= f.min_severity.rank
            and f.service in (None, a.service)
            and f.route in (None, a.route)
            and f.resolved in (None, a.id in self.said)
            and (f.since is None or a.end > f.since)
            and (f.until is None or a.start < f.until)
        ]
        return self._page(kept, limit, cursor)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        return self._page(self.grouped, limit, cursor)

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        kept = [w for w in self.closed if w.service == chosen.service and w.route == chosen.route]
        return self._page(kept, limit, cursor)

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        kept = [b for b in self.normal if service in (None, b.service)]
        return self._page(kept, limit, cursor)

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        return next((a for a in self.found if a.id == anomaly_id), None)

    def incident(self, incident_id: str) -> Incident | None:
        return next((i for i in self.grouped if i.id == incident_id), None)

    def resolve(self, resolution: Resolution) -> bool:
        if self.anomaly(resolution.anomaly_id) is None:
            return False
        self.said[resolution.anomaly_id] = resolution
        return True

    def resolutions(self, anomaly_ids: Sequence[str]) -> dict[str, Resolution]:
        return {i: self.said[i] for i in anomaly_ids if i in self.said}

    def stats(self) -> Stats:
        severities = [a.severity.value for a in self.found]
        types = [a.type.value for a in self.found]
        return Stats(
            total=len(self.found),
            by_severity={s: severities.count(s) for s in severities},
            by_type={t: types.count(t) for t in types},
            unresolved=len(self.found) - len(self.said),
            last_analysis=NOON,
        )

    def audit(self, line: AuditLine) -> None:
        self.audited.append(line)

    def document(self, name: str) -> bytes | None:
        return self.documents.get(name)

    def put_document(self, name: str, content: bytes) -> None:
        self.documents[name] = content

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        return self._page(self.told, limit, cursor)

    def keys(self) -> Sequence[StoredKey]:
        if self.broken:
            raise StoreError("sqlite:///v.db", StoreProblem.FULL, "its disk is full")
        return list(self.ring.values())

    def put_key(self, key: StoredKey) -> None:
        self.ring[key.name] = key


class House:
    """A view, a store and a clock, and the application over them."""

    def __init__(self, **settings: Any) -> None:
        self.view, self.store, self.clock = MemoryView(), MemoryStore(), Hands()
        self.settings = Server.model_validate_json(json.dumps(settings))

    def app(self) -> Any:
        return create_app(self.view, self.store, self.settings, self.clock)  # type: ignore[arg-type]

    def client(self, address: str = "127.0.0.1", app: Any = None, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app or self.app(), raise_app_exceptions=False, client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:8430", headers=headers)

    def key(self, name: str, *scopes: str, expires: int | None = None) -> str:
        """Make a key, and say its secret."""
        key, secret = make_key(name, scopes, self.clock(), expires)
        self.store.put_key(key)
        return secret
