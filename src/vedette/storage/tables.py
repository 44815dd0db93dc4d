"""The SQL schema, for any dialect.

An anomaly, incident or run is kept whole as JSON in `document`; the other columns repeat what is searched by.
Times are microseconds since the epoch, UTC. A window or baseline of a service as a whole has the route `''`,
because NULL does not take part in a primary key.

`migrations` makes the tables: what is changed here needs a step there.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

from vedette.storage.text import Name

METADATA = MetaData()

ANOMALIES = Table(
    "anomalies",
    METADATA,
    Column("id", Name, primary_key=True),
    Column("type", Name, nullable=False),
    Column("severity", Integer, nullable=False, comment="0 low to 3 critical"),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("service", Name, nullable=False),
    Column("route", Name),
    Column("entity_kind", Name, nullable=False),
    Column("entity_value", Name, nullable=False),
    Column("incident_id", Name),
    Column("run_id", Name, comment="the last run that found it"),
    Column("document", Text, nullable=False),
    Index("anomalies_by_start", "start_us", "id"),
    Index("anomalies_by_service", "service", "start_us", "id"),
    Index("anomalies_by_entity", "entity_kind", "entity_value", "start_us"),
    Index("anomalies_by_incident", "incident_id"),
    Index("anomalies_by_kind", "type", "severity"),
)

INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("id", Name, primary_key=True),
    Column("severity", Integer, nullable=False, comment="0 low to 3 critical"),
    Column("state", Name, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("run_id", Name, comment="the last run that found it"),
    Column("document", Text, nullable=False),
    Index("incidents_by_start", "start_us", "id"),
)

INCIDENT_SERVICES = Table(
    "incident_services",
    METADATA,
    Column("service", Name, primary_key=True),
    Column("incident_id", Name, primary_key=True),
    Index("incident_services_by_incident", "incident_id"),
)

WINDOWS = Table(
    "window_blocks",
    METADATA,
    Column("service", Name, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False, comment="a `Part`"),
    Column("start_us", BigInteger, primary_key=True, autoincrement=False),
    Column("span_s", Integer, primary_key=True, autoincrement=False),
    Column("block", LargeBinary, nullable=False, comment="a `Block`: all routes, or the service itself"),
)

BASELINES = Table(
    "baselines",
    METADATA,
    Column("service", Name, primary_key=True),
    Column("route", Name, primary_key=True),
    Column("metric", Name, primary_key=True),
    Column("season", Name, primary_key=True),
    Column("unit", Name, nullable=False),
    Column("mean", Float, nullable=False),
    Column("median", Float, nullable=False),
    Column("stddev", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("p90", Float, nullable=False),
    Column("p99", Float, nullable=False),
    Column("sample_count", BigInteger, nullable=False),
    Column("last_updated_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Name, primary_key=True),
    Column("started_us", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("runs_by_start", "started_us", "id"),
)

LIVE_STATE = Table(
    "live_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("analysed_us", BigInteger, nullable=False, comment="time of the last commit"),
    Column("time_us", BigInteger, comment="of the commit that the state is from"),
    Column("positions", LargeBinary, comment="MessagePack: source name to position"),
    Column("state", LargeBinary),
)

NOTICES = Table(
    "notices",
    METADATA,
    Column("id", Name, primary_key=True),
    Column("time_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False, comment="not to be told again before"),
    Column("settled", Integer, nullable=False),
    Column("document", Text, nullable=False),
)
Index(
    "notices_untold",
    NOTICES.c.time_us,
    NOTICES.c.id,
    sqlite_where=NOTICES.c.settled == 0,
    postgresql_where=NOTICES.c.settled == 0,
)

TELLINGS = Table(
    "tellings",
    METADATA,
    Column("notice_id", Name, primary_key=True),
    Column("channel", Name, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("next_try_us", BigInteger),
    Column("document", Text, nullable=False),
    Index("tellings_by_time", "at_us", "notice_id", "channel"),
)

RESOLUTIONS = Table(
    "resolutions",
    METADATA,
    Column("anomaly_id", Name, primary_key=True),
    Column("document", Text, nullable=False),
)

AUDITS = Table(
    "audits",
    METADATA,
    Column("id", Name, primary_key=True, comment="digest of the line: appended twice, it stands once"),
    Column("at_us", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("audits_by_time", "at_us", "id"),
)

KEYS = Table(
    "api_keys",
    METADATA,
    Column("name", Name, primary_key=True),
    Column("document", Text, nullable=False),
)

DOCUMENTS = Table(
    "documents",
    METADATA,
    Column("name", Name, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
