"""What log shippers write of lines that they have taken apart.

Logstash's keeps the line beside its parts, and quotes in the parts; of its objects the line is read.
"""

from vedette.parsers.fields import Conventions, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def fluentd() -> JsonFormat:
    """Fluentd's and Fluent Bit's parsers `nginx` and `apache2`; the time by the output's key.

    https://docs.fluentd.org/parser/nginx, https://docs.fluentbit.io/manual/pipeline/outputs
    """
    return JsonFormat(
        "fluentd-json",
        "Fluentd's and Fluent Bit's parsers of nginx and Apache (remote or host, method, path, code, ...)",
        {
            Field.TIME: ("time", "date", "@timestamp", "timestamp"),
            Field.PEER: ("remote", "host"),
            Field.METHOD: ("method",),
            Field.TARGET: ("path",),
            Field.STATUS: ("code",),
            Field.BYTES_OUT: ("size",),
            Field.REFERER: ("referer",),
            Field.USER_AGENT: ("agent",),
        },
        Conventions(TimeFormat.ANY),
        needs=(Field.PEER, Field.STATUS),
    )
