"""Audit logs whose entries are HTTP requests."""

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_events import EventFormat
from vedette.parsers.json_lines import JsonFormat


def kubernetes() -> EventFormat:
    """The API server's audit log: of the stages of a request the last one, in which it was answered.

    Its verbs (`list`, `watch`, ...) are no methods of HTTP and are not read. The time is that of the answer, in whose
    order lines come. The first of `sourceIPs` is the client, which may say so itself; what follows are proxies.
    https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
    """
    return EventFormat(
        "kubernetes-audit-json",
        "Kubernetes' audit log (stageTimestamp, stage ResponseComplete, requestURI, responseStatus.code, ...)",
        {
            Field.TIME: ("stageTimestamp", "requestReceivedTimestamp"),
            Field.PEER: ("sourceIPs[0]",),
            Field.TARGET: ("requestURI",),
            Field.STATUS: ("responseStatus.code",),
            Field.USER_AGENT: ("userAgent",),
        },
        Conventions(TimeFormat.ANY),
        key="stage",
        wanted=b"ResponseComplete",
    )


def minio() -> JsonFormat:
    """MinIO's audit log. It names the operation, not the method; what nobody asked for by HTTP has no status.

    https://docs.min.io/enterprise/aistor-object-store/operations/monitoring/minio-logging/
    """
    return JsonFormat(
        "minio-audit-json",
        "MinIO's audit log (time, api.statusCode, api.timeToResponse, remotehost, requestPath, ...)",
        {
            Field.TIME: ("time",),
            Field.PEER: ("remotehost",),
            Field.TARGET: ("requestPath",),
            Field.STATUS: ("api.statusCode",),
            Field.BYTES_IN: ("api.rx",),
            Field.BYTES_OUT: ("api.tx",),
            Field.DURATION: ("api.timeToResponse",),
            Field.USER_AGENT: ("userAgent",),
            Field.SERVICE: ("requestHost",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.GO, peer_has_port=True),
        needs=(Field.STATUS, Field.TARGET),
    )
