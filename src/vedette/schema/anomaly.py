"""One statement by one detector, with everything needed to recompute it."""

from enum import StrEnum
from typing import Any

import msgspec


class AnomalyType(StrEnum):
    """Stable names of what can be stated."""

    SQL_INJECTION = "sql_injection"
    XSS = "xss"
    PATH_TRAVERSAL = "path_traversal"
    COMMAND_INJECTION = "command_injection"
    FILE_INCLUSION = "file_inclusion"
    SSRF = "ssrf"
    TEMPLATE_INJECTION = "template_injection"
    LOG4SHELL = "log4shell"
    XXE = "xxe"
    WEBSHELL = "webshell"
    SCANNER = "scanner"
    SENSITIVE_FILE = "sensitive_file"
    PROTOCOL_VIOLATION = "protocol_violation"
    ABNORMAL_REQUEST = "abnormal_request"
    ERROR_SPIKE = "error_spike"
    LATENCY_SPIKE = "latency_spike"
    TRAFFIC_SPIKE = "traffic_spike"
    TRAFFIC_DROP = "traffic_drop"
    DDOS_ATTACK = "ddos_attack"
    BOT_ACTIVITY = "bot_activity"
    DATA_EXFILTRATION = "data_exfiltration"
    BRUTE_FORCE = "brute_force"
    RATE_LIMIT_ABUSE = "rate_limit_abuse"
    SUSPICIOUS_CLIENT = "suspicious_client"
    UNUSUAL_PATTERN = "unusual_pattern"
    HIGH_LATENCY = "high_latency"
    PORT_SCAN = "port_scan"
    PACKET_LOSS = "packet_loss"
    PROTOCOL_ANOMALY = "protocol_anomaly"
    LONG_LIVED_CONNECTION = "long_lived_connection"
    SYN_FLOOD = "syn_flood"
    AMPLIFICATION = "amplification"
    BEACONING = "beaconing"
    TUNNEL = "tunnel"
    NEW_DESTINATION = "new_destination"
    BEHAVIORAL_ANOMALY = "behavioral_anomaly"
    SEQUENCE_ANOMALY = "sequence_anomaly"
    RESPONSE_TIME_ANOMALY = "response_time_anomaly"
    STATUS_CODE_ANOMALY = "status_code_anomaly"

    @property
    def label(self) -> str:
        """What a person calls it: `SQL injection`, `error spike`."""
        return _LABELS[self]


_LABELS = {
    AnomalyType.SQL_INJECTION: "SQL injection",
    AnomalyType.XSS: "cross-site scripting",
    AnomalyType.PATH_TRAVERSAL: "path traversal",
    AnomalyType.COMMAND_INJECTION: "command injection",
    AnomalyType.FILE_INCLUSION: "file inclusion",
    AnomalyType.SSRF: "server-side request forgery",
    AnomalyType.TEMPLATE_INJECTION: "template injection",
    AnomalyType.LOG4SHELL: "Log4Shell",
    AnomalyType.XXE: "XML external entities",
    AnomalyType.WEBSHELL: "web shell access",
    AnomalyType.SCANNER: "scan",
    AnomalyType.SENSITIVE_FILE: "probes for sensitive files",
    AnomalyType.PROTOCOL_VIOLATION: "malformed requests",
    AnomalyType.ABNORMAL_REQUEST: "abnormal requests",
    AnomalyType.ERROR_SPIKE: "error spike",
    AnomalyType.LATENCY_SPIKE: "latency spike",
    AnomalyType.TRAFFIC_SPIKE: "traffic spike",
    AnomalyType.TRAFFIC_DROP: "traffic drop",
    AnomalyType.DDOS_ATTACK: "flood",
    AnomalyType.BOT_ACTIVITY: "undeclared bot",
    AnomalyType.DATA_EXFILTRATION: "data exfiltration",
    AnomalyType.BRUTE_FORCE: "password guessing",
    AnomalyType.RATE_LIMIT_ABUSE: "rate-limit abuse",
    AnomalyType.SUSPICIOUS_CLIENT: "suspicious client",
    AnomalyType.UNUSUAL_PATTERN: "unusual pattern",
    AnomalyType.HIGH_LATENCY: "high latency",
    AnomalyType.PORT_SCAN: "port scan",
    AnomalyType.PACKET_LOSS: "packet loss",
    AnomalyType.PROTOCOL_ANOMALY: "shift of protocols",
    AnomalyType.LONG_LIVED_CONNECTION: "long-lived connection",
    AnomalyType.SYN_FLOOD: "SYN flood",
    AnomalyType.AMPLIFICATION: "amplification",
    AnomalyType.BEACONING: "beaconing",
    AnomalyType.TUNNEL: "tunnel",
    AnomalyType.NEW_DESTINATION: "new destination",
    AnomalyType.BEHAVIORAL_ANOMALY: "unusual client",
    AnomalyType.SEQUENCE_ANOMALY: "unusual session",
    AnomalyType.RESPONSE_TIME_ANOMALY: "unusual response times",
    AnomalyType.STATUS_CODE_ANOMALY: "unusual status codes",
}


class Severity(StrEnum):
    """How bad, for the person who is told. Ordered by `rank`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class EntityKind(StrEnum):
    """What a baseline belongs to."""

    ALL = "all"
    SERVICE = "service"
    ROUTE = "route"
    CLIENT = "client"
    PREFIX = "prefix"
    HOST = "host"


class Entity(msgspec.Struct, frozen=True, order=True):
    """What an anomaly is about. `value` is printable text; of hostile origin, so escape it where it is shown."""

    kind: EntityKind
    value: str


class Band(msgspec.Struct, frozen=True):
    """What was expected: the middle and the range outside which a value is rare, in the anomaly's unit."""

    low: float | None
    mid: float | None
    high: float | None


class Contribution(msgspec.Struct, frozen=True):
    """How much one value of one dimension adds: `share` is its part (0..1) of the excess."""

    dimension: str
    value: str
    share: float


class Evidence(msgspec.Struct, frozen=True):
    """A log line that an anomaly rests on. `text` is decoded with backslash escapes, cut at 500 characters."""

    source: str
    line: int
    text: str
    matched: str | None = None
    """The decoded text a signature matched, where one did."""
    rule: str | None = None


class Formula(msgspec.Struct, frozen=True):
    """The arithmetic behind a score: a name that `docs/reference/formulas.md` defines, and its inputs.

    `vedette.explain` recomputes `result` from `name` and `inputs` alone.
    """

    name: str
    inputs: dict[str, float]
    result: float


class Earlier(msgspec.Struct, frozen=True):
    """When the like of an anomaly (its type, on its service and route) was stated before.

    Attributes:
        anomaly_id: The first anomaly of that occurrence.
        start, end: How long it went on; microseconds since the epoch, UTC.
        observed: The most that was observed, of a drop the least, in the anomaly's unit; None where there were others
            only.
    """

    anomaly_id: str
    start: int
    end: int
    observed: float | None


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """One statement by one detector: what, where, when, how strong, why.

    Times are microseconds since the epoch, UTC, `end` exclusive; JSON output turns them into ISO 8601.
    `observed`, `expected` and `threshold` share `unit` (`requests`, `ratio`, `seconds`, `bytes` ...).
    """

    id: str
    type: AnomalyType
    severity: Severity
    score: float
    """0..1, calibrated: larger is rarer."""
    start: int
    end: int
    service: str
    route: str | None
    entity: Entity
    detector: str
    observed: float
    expected: Band
    threshold: float
    sample_count: int
    unit: str
    formula: Formula
    description: str
    contributions: tuple[Contribution, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    evidence_total: int = 0
    """Rows the anomaly rests on; `evidence` holds only the first few."""
    counterfactual: str = ""
    clients: tuple[str, ...] = ()
    """Clients involved, the heaviest first, at most ten."""
    details: dict[str, Any] = {}
    earlier: Earlier | None = None
    """The nearest earlier occurrence in what was read."""
    incident_id: str | None = None

    @property
    def by_rule(self) -> bool:
        """Whether a rule of the user's states it."""
        return self.type is AnomalyType.UNUSUAL_PATTERN and "rule" in self.details

    @property
    def of_flows(self) -> bool:
        """Whether it is about packets and flows; the others are about requests."""
        return self.detector.startswith("network.")
