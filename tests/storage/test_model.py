"""Every store behaves as one that merely remembers what it was told, whatever comes in what order."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.things import MINUTE, anomaly, baseline, commit, incident, notice, window
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity
from vedette.schema.findings import Coverage, Findings
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Commit, Notice, Resume
from vedette.schema.records import BaselineRecord, WindowRecord
from vedette.storage import AnomalyFilter, IncidentFilter, LiveStore, WindowFilter
from vedette.storage.live import Outcome, Resolution, Telling

EVERY_STORE = True

SERVICES = st.sampled_from(["shop", "blog", "a\0b"])
ROUTES = st.sampled_from([None, "/a", "/b\1"])
TIMES = st.integers(0, 6).map(lambda number: number * MINUTE)

ANOMALIES = st.builds(
    lambda number, start, service, route, severity, kind: anomaly(
        number, start=start, end=start + MINUTE, service=service, route=route, severity=severity, type=kind
    ),
    st.integers(0, 4),
    TIMES,
    SERVICES,
    ROUTES,
    st.sampled_from(Severity),
    st.sampled_from([AnomalyType.XSS, AnomalyType.ERROR_SPIKE]),
)
INCIDENTS = st.builds(
    lambda number, services, state: incident(number, services=tuple(services), state=state),
    st.integers(0, 2),
    st.lists(SERVICES, min_size=1, max_size=2, unique=True),
    st.sampled_from(IncidentState),
)
WINDOWS = st.builds(
    lambda number, service, route, requests, span: window(
        number, service=service, route=route, requests=requests, span_s=span
    ),
    st.integers(0, 6),
    SERVICES,
    ROUTES,
    st.integers(0, 1000),
    st.sampled_from([60, 300]),
)
BASELINES = st.builds(
    lambda service, route, mean: baseline("errors", service=service, route=route, mean=mean),
    SERVICES,
    ROUTES,
    st.floats(0, 1),
)
NOTICES = st.builds(
    lambda number, text: notice(number, description=text), st.integers(0, 2), st.text(max_size=3)
)
COMMITS = st.builds(
    lambda number, state, anomalies, incidents, windows, baselines, notices: commit(
        number,
        state=state,
        positions={} if state is None else {"tail": state},
        anomalies=tuple(anomalies),
        incidents=tuple(incidents),
        windows=tuple(windows),
        baselines=tuple(baselines),
        notices=tuple(notices),
    ),
    st.integers(0, 100),
    st.one_of(st.none(), st.binary(max_size=5)),
    st.lists(ANOMALIES, max_size=4),
    st.lists(INCIDENTS, max_size=2),
    st.lists(WINDOWS, max_size=5),
    st.lists(BASELINES, max_size=2),
    st.lists(NOTICES, max_size=2),
)
TELLINGS = st.builds(
    lambda number, channel, at, next_try: Telling(
        notice_id=notice(number).id,
        channel=channel,
        outcome=Outcome.SENT if next_try is None else Outcome.FAILED,
        at=at,
        tries=1,
        next_try=next_try,
    ),
    st.integers(0, 2),
    st.sampled_from(["mail", "slack"]),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(1, 9)),
)
RESOLUTIONS = st.builds(
    lambda number, wrong: Resolution(anomaly_id=f"a{number:04}", false_positive=wrong, by="eve", at=5),
    st.integers(0, 5),
    st.booleans(),
)
STEPS = st.lists(
    st.one_of(
        COMMITS,
        TELLINGS,
        RESOLUTIONS,
        st.integers(0, 2).map(lambda number: ("settle", notice(number).id)),
        st.lists(WINDOWS, max_size=5).map(lambda some: ("windows", some)),
        st.lists(ANOMALIES, max_size=3).map(lambda some: ("findings", some)),
    ),
    max_size=8,
)


class Model:
    """A store in memory, as plain as can be."""

    def __init__(self) -> None:
        self.anomalies: dict[str, Anomaly] = {}
        self.incidents: dict[str, Incident] = {}
        self.windows: dict[tuple[Any, ...], WindowRecord] = {}
        self.baselines: dict[tuple[Any, ...], BaselineRecord] = {}
        self.notices: dict[str, Notice] = {}
        self.tellings: dict[tuple[str, str], Telling] = {}
        self.due: dict[str, int] = {}
        self.settled: set[str] = set()
        self.resolutions: dict[str, Resolution] = {}
        self.resumed: Resume | None = None
        self.analysed: int | None = None

    def do(self, step: Any) -> Any:
        if isinstance(step, Commit):
            self.anomalies |= {one.id: one for one in step.anomalies}
            self.incidents |= {one.id: one for one in step.incidents}
            self.put_windows(step.windows)
            self.baselines |= {(one.service, one.route or ""): one for one in step.baselines}
            self.notices |= {one.id: one for one in step.notices}
            self.analysed = step.time
            if step.state is not None:
                self.resumed = Resume(time=step.time, state=step.state, positions=step.positions)
        elif isinstance(step, Telling):
            self.tellings[step.notice_id, step.channel] = step
            if step.notice_id in self.notices:
                tries = [one.next_try for one in self.of(step.notice_id) if one.next_try is not None]
                self.due[step.notice_id] = min(tries, default=0)
        elif isinstance(step, Resolution):
            if step.anomaly_id not in self.anomalies:
                return False
            self.resolutions[step.anomaly_id] = step
            return True
        elif step[0] == "settle":
            if step[1] in self.notices:
                self.settled.add(step[1])
        elif step[0] == "windows":
            self.put_windows(step[1])
        else:
            self.anomalies |= {one.id: one for one in step[1]}
        return None

    def put_windows(self, some: Any) -> None:
        self.windows |= {(one.service, one.route, one.start, one.span_s): one for one in some}

    def of(self, notice_id: str) -> list[Telling]:
        return [one for (of, _), one in sorted(self.tellings.items()) if of == notice_id]


def do(store: LiveStore, step: Any) -> Any:
    if isinstance(step, Commit):
        return store.commit(step)
    if isinstance(step, Telling):
        return store.tell(step)
    if isinstance(step, Resolution):
        return store.resolve(step)
    if step[0] == "settle":
        return store.settle(step[1])
    if step[0] == "windows":
        store.save_windows(step[1])
        return None
    return store.save(Findings(step[1], [], Coverage()))


def newest_first(found: Any) -> list[Any]:
    return sorted(found, key=lambda one: (one.start, one.id), reverse=True)


def paged(read: Any, *chosen: Any) -> list[Any]:
    """Everything, in pages of two."""
    found, cursor = [], None
    while True:
        page = read(*chosen, limit=2, cursor=cursor)
        found += page.items
        if (cursor := page.cursor) is None:
            return found


def compare(store: LiveStore, model: Model, since: int, severity: Severity) -> None:
    assert store.resume() == model.resumed
    assert paged(store.anomalies) == newest_first(model.anomalies.values())
    for service in ("shop", "a\0b"):
        for resolved in (None, True, False):
            chosen = AnomalyFilter(
                service=service,
                resolved=resolved,
                since=since,
                until=since + 2 * MINUTE,
                severities=[severity],
            )
            expected = [
                one
                for one in model.anomalies.values()
                if one.service == service
                and (resolved is None or (one.id in model.resolutions) is resolved)
                and one.end > since
                and one.start < since + 2 * MINUTE
                and one.severity is severity
            ]
            assert paged(store.anomalies, chosen) == newest_first(expected)
            assert store.count_anomalies(chosen) == len(expected)
        chosen_incidents = IncidentFilter(service=service, state=IncidentState.OPEN)
        assert paged(store.incidents, chosen_incidents) == newest_first(
            one
            for one in model.incidents.values()
            if service in one.services and one.state is IncidentState.OPEN
        )
        for route in (None, "/a", "/b\1"):
            assert paged(store.windows, WindowFilter(service=service, route=route, since=since)) == sorted(
                (
                    one
                    for one in model.windows.values()
                    if (one.service, one.route) == (service, route)
                    and one.start + one.span_s * 1_000_000 > since
                ),
                key=lambda one: (one.start, one.span_s),
            )
    assert paged(store.baselines) == [one for _, one in sorted(model.baselines.items())]
    for now in (0, 3, 9):
        assert list(store.untold(now)) == sorted(
            (
                one
                for one in model.notices.values()
                if one.id not in model.settled and model.due.get(one.id, 0) <= now
            ),
            key=lambda one: (one.time, one.id),
        )
    for number in range(3):
        assert list(store.tellings(notice(number).id)) == model.of(notice(number).id)
    assert store.resolutions([f"a{number:04}" for number in range(6)]) == model.resolutions
    stats = store.stats()
    assert (stats.total, stats.unresolved, stats.last_analysis) == (
        len(model.anomalies),
        len(model.anomalies) - len(model.resolutions),
        model.analysed,
    )
    for severity in Severity:
        expected_count = sum(one.severity is severity for one in model.anomalies.values())
        assert stats.by_severity[severity.value] == expected_count


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(steps=STEPS, since=TIMES, severity=st.sampled_from(Severity), again=st.booleans())
def test_any_order_of_doings_leaves_what_a_plain_memory_has(
    live: LiveStore, steps: list[Any], since: int, severity: Severity, again: bool
) -> None:
    emptied(live)
    model = Model()
    for step in steps:
        said = do(live, step)
        if again:
            # A retried call changes nothing more.
            assert do(live, step) == said
        assert model.do(step) == said
    compare(live, model, since, severity)


def emptied(store: LiveStore) -> None:
    """Without its rows; making a new store for each example would take most of the time."""
    if hasattr(store, "_engine"):
        from vedette.storage.tables import METADATA

        with store._writing() as connection:  # type: ignore[attr-defined] # it is an SqlLiveStore
            for table in METADATA.sorted_tables:
                connection.execute(table.delete())
    else:
        database = store._database  # type: ignore[attr-defined] # it is a MongoLiveStore
        for name in database.list_collection_names():
            if name != "vedette_schema":
                database[name].delete_many({})
