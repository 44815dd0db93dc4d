"""Keys that say where results are kept, and how long."""

from pydantic import field_serializer, field_validator

from vedette.config.options import Section, option, section
from vedette.config.secret import without_password

SCHEMES = (
    "sqlite:///",
    "sqlite+pysqlite:///",
    "postgresql://",
    "postgres://",
    "postgresql+psycopg://",
    "mongodb://",
)
MONGODB_BY_NAME = "mongodb+srv://"


class RetentionSection(Section):
    """How long a live service keeps things. What is older is removed a little at a time."""

    windows_d: int | None = option(7, "Windows, for charts; `null` for ever.", unit="days", ge=1, le=36_500)
    fine_windows_d: int | None = option(
        2, "From this age on, windows are kept as hours; `null` for never.", unit="days", ge=1, le=36_500
    )
    anomalies_d: int | None = option(
        90, "Anomalies and incidents; `null` for ever.", unit="days", ge=1, le=36_500
    )
    alerts_d: int | None = option(
        30, "Notices, and how telling them went; `null` for ever.", unit="days", ge=1, le=36_500
    )
    audit_d: int | None = option(365, "The audit log; `null` for ever.", unit="days", ge=1, le=36_500)


class StoreSection(Section):
    """Where results are kept."""

    url: str | None = option(
        None,
        "`sqlite:///vedette.db`, `postgresql://user@host/vedette` or `mongodb://host/vedette`, with `password_file` "
        "behind `?`; `vedette scan` keeps nothing without it.",
        min_length=1,
    )
    spool: str | None = option(
        None,
        "Directory where a live service's commits wait while the store is out; by default `spool` in `live.directory`.",
        min_length=1,
    )
    spool_bytes: int = option(
        256 << 20,
        "Most that waits there; then nothing more is taken in.",
        unit="bytes",
        ge=1 << 20,
        le=1 << 40,
    )
    retention: RetentionSection = section(RetentionSection)

    @field_validator("url")
    @classmethod
    def _known(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith((*SCHEMES, MONGODB_BY_NAME)):
            raise ValueError(
                "must be sqlite:///vedette.db (three slashes, four before an absolute path), "
                "postgresql://user@host/vedette or mongodb://host/vedette"
            )
        return url

    @field_serializer("url")
    def _shown(self, url: str | None) -> str | None:
        return None if url is None else without_password(url)
