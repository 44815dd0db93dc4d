"""The tables of schema version 1, as they were released: never to be changed. The present ones are in `tables`."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

from vedette.storage.text import Name as String

METADATA = MetaData()

Table(
    "anomalies",
    METADATA,
    Column("id", String, primary_key=True),
    Column("type", String, nullable=False),
    Column("severity", Integer, nullable=False, comment="0 low to 3 critical"),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("service", String, nullable=False),
    Column("route", String),
    Column("entity_kind", String, nullable=False),
    Column("entity_value", String, nullable=False),
    Column("incident_id", String),
    Column("run_id", String, comment="the last run that found it"),
    Column("document", Text, nullable=False),
    Index("anomalies_by_start", "start_us", "id"),
    Index("anomalies_by_service", "service", "start_us", "id"),
    Index("anomalies_by_entity", "entity_kind", "entity_value", "start_us"),
    Index("anomalies_by_incident", "incident_id"),
)

Table(
    "incidents",
    METADATA,
    Column("id", String, primary_key=True),
    Column("severity", Integer, nullable=False, comment="0 low to 3 critical"),
    Column("state", String, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("run_id", String, comment="the last run that found it"),
    Column("document", Text, nullable=False),
    Index("incidents_by_start", "start_us", "id"),
)

Table(
    "incident_services",
    METADATA,
    Column("service", String, primary_key=True),
    Column("incident_id", String, primary_key=True),
    Index("incident_services_by_incident", "incident_id"),
)

WINDOWS = Table(
    "windows",
    METADATA,
    Column("service", String, primary_key=True),
    Column("route", String, primary_key=True),
    Column("start_us", BigInteger, primary_key=True, autoincrement=False),
    Column("span_s", Integer, primary_key=True, autoincrement=False),
    Column("requests", BigInteger, nullable=False),
    Column("errors_4xx", BigInteger, nullable=False),
    Column("errors_5xx", BigInteger, nullable=False),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
    Column("timed", BigInteger, nullable=False),
    Column("latency_p50_s", Float),
    Column("latency_p95_s", Float),
    Column("latency_p99_s", Float),
    Column("distinct_clients", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "baselines",
    METADATA,
    Column("service", String, primary_key=True),
    Column("route", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("season", String, primary_key=True),
    Column("unit", String, nullable=False),
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

Table(
    "runs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("started_us", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("runs_by_start", "started_us", "id"),
)
