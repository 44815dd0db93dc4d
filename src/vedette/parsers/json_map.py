"""JSON access logs that a field map describes."""

from collections.abc import Mapping
from types import MappingProxyType

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonFormat

FIELD_NAMES: Mapping[str, Field] = MappingProxyType(
    {
        "time": Field.TIME,
        "peer": Field.PEER,
        "forwarded": Field.FORWARDED,
        "request": Field.REQUEST,
        "method": Field.METHOD,
        "target": Field.TARGET,
        "query": Field.QUERY,
        "protocol": Field.PROTOCOL,
        "status": Field.STATUS,
        "bytes_in": Field.BYTES_IN,
        "bytes_out": Field.BYTES_OUT,
        "referer": Field.REFERER,
        "user_agent": Field.USER_AGENT,
        "service": Field.SERVICE,
    }
)
"""Names that a field map may give a key path, besides those of `TIME_NAMES` and `DURATION_NAMES`."""

TIME_NAMES: Mapping[str, TimeFormat] = MappingProxyType(
    {
        "time_ms": TimeFormat.EPOCH_MILLISECONDS,
        "time_us": TimeFormat.EPOCH_MICROSECONDS,
        "time_ns": TimeFormat.EPOCH_NANOSECONDS,
    }
)
"""Names for a time that is a number since the epoch, by its unit; that of `time` is seconds."""

DURATION_NAMES: Mapping[str, DurationUnit] = MappingProxyType(
    {
        "duration_s": DurationUnit.SECONDS,
        "duration_ms": DurationUnit.MILLISECONDS,
        "duration_us": DurationUnit.MICROSECONDS,
        "duration_ns": DurationUnit.NANOSECONDS,
        "duration_go": DurationUnit.GO,
    }
)
"""Names for a duration, by its unit."""


def json_format_from_map(mapping: Mapping[str, str], *, name: str = "json") -> JsonFormat:
    r"""Make a format of any JSON lines from a map of our field names to their key paths.

    Args:
        mapping: Field name (`FIELD_NAMES`, `TIME_NAMES`, `DURATION_NAMES`) to key path:
            `{"status": "http.status_code"}`. Keys are joined by `.`; `[0]` is an array's first element; `\.` is a dot
            inside a key.
        name: Name of the format.

    Raises:
        ValueError: A field name is unknown, a path does not read, two durations or times are mapped, or the map lacks
            `time` or anything to tell a request by.
    """
    paths: dict[Field, tuple[str, ...]] = {}
    time, unit = TimeFormat.ANY, DurationUnit.SECONDS
    for key, path in mapping.items():
        if key in DURATION_NAMES:
            field, unit = Field.DURATION, DURATION_NAMES[key]
            if field in paths:
                raise ValueError(
                    f"field map: {key} is a second duration: map one of {', '.join(DURATION_NAMES)}"
                )
        elif key in TIME_NAMES:
            field, time = Field.TIME, TIME_NAMES[key]
            if field in paths or "time" in mapping:
                raise ValueError(
                    f"field map: {key} is a second time: map one of time, {', '.join(TIME_NAMES)}"
                )
        elif key in FIELD_NAMES:
            field = FIELD_NAMES[key]
        else:
            known = ", ".join((*FIELD_NAMES, *TIME_NAMES, *DURATION_NAMES))
            raise ValueError(f"field map: {key!r} is no field: use one of {known}")
        paths[field] = (path,)
    if Field.TIME not in paths:
        raise ValueError("field map: 'time' is not mapped: say at which key the time stands, as in time=ts")
    if Field.TARGET not in paths and Field.REQUEST not in paths:
        raise ValueError(
            "field map: neither 'target' nor 'request' is mapped: say at which key the path stands"
        )
    JsonKeys.of(paths)  # says which path does not read
    description = "JSON lines, fields named by a map: " + ", ".join(f"{k}={v}" for k, v in mapping.items())
    return JsonFormat(name, description, paths, Conventions(time, unit, peer_has_port=True))
