"""What the balancers and gateways of clouds write as JSON."""

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def cloudflare(time: TimeFormat = TimeFormat.ANY) -> JsonFormat:
    """Cloudflare Logpush, data set "HTTP requests", with times as RFC 3339 or whole seconds, or as nanoseconds.

    https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/

    Args:
        time: `ANY`, or `EPOCH_NANOSECONDS` for jobs whose `timestamp_format` is `unixnano`.
    """
    nano = time is TimeFormat.EPOCH_NANOSECONDS
    told = "times as unixnano" if nano else "EdgeStartTimestamp, ClientRequestURI, ..."
    return JsonFormat(
        "cloudflare-ns-json" if nano else "cloudflare-json",
        f"Cloudflare Logpush of HTTP requests ({told})",
        {
            Field.TIME: ("EdgeStartTimestamp", "EdgeEndTimestamp"),
            Field.PEER: ("ClientIP",),
            Field.METHOD: ("ClientRequestMethod",),
            Field.TARGET: ("ClientRequestURI", "ClientRequestPath"),
            Field.PROTOCOL: ("ClientRequestProtocol",),
            Field.STATUS: ("EdgeResponseStatus",),
            Field.BYTES_IN: ("ClientRequestBytes",),
            Field.BYTES_OUT: ("EdgeResponseBytes",),
            Field.DURATION: ("EdgeTimeToFirstByteMs",),
            Field.REFERER: ("ClientRequestReferer",),
            Field.USER_AGENT: ("ClientRequestUserAgent",),
            Field.SERVICE: ("ClientRequestHost",),
        },
        Conventions(time, DurationUnit.MILLISECONDS),
    )


def google() -> JsonFormat:
    """Google Cloud's `httpRequest`: load balancers, Cloud Run, App Engine. Its target is a whole address.

    https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest
    """
    return JsonFormat(
        "gcp-json",
        "Google Cloud's HTTP requests (httpRequest.requestMethod, httpRequest.requestUrl, ...)",
        {
            Field.TIME: ("timestamp", "time"),
            Field.PEER: ("httpRequest.remoteIp",),
            Field.METHOD: ("httpRequest.requestMethod",),
            Field.TARGET: ("httpRequest.requestUrl",),
            Field.PROTOCOL: ("httpRequest.protocol",),
            Field.STATUS: ("httpRequest.status",),
            Field.BYTES_IN: ("httpRequest.requestSize",),
            Field.BYTES_OUT: ("httpRequest.responseSize",),
            Field.DURATION: ("httpRequest.latency",),
            Field.REFERER: ("httpRequest.referer",),
            Field.USER_AGENT: ("httpRequest.userAgent",),
            Field.SERVICE: ("resource.labels.backend_service_name", "resource.labels.service_name"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.GO, peer_has_port=True, target_has_origin=True),
    )


def azure() -> JsonFormat:
    """Azure Application Gateway's access log; `timeTaken` is seconds in its second version.

    https://learn.microsoft.com/azure/application-gateway/application-gateway-diagnostics
    """
    return JsonFormat(
        "azure-json",
        "Azure Application Gateway (properties.httpMethod, properties.requestUri, ...)",
        {
            Field.TIME: ("timeStamp", "time"),
            Field.PEER: ("properties.clientIP",),
            Field.METHOD: ("properties.httpMethod",),
            Field.TARGET: ("properties.requestUri",),
            Field.QUERY: ("properties.requestQuery",),
            Field.PROTOCOL: ("properties.httpVersion",),
            Field.STATUS: ("properties.httpStatus",),
            Field.BYTES_IN: ("properties.receivedBytes",),
            Field.BYTES_OUT: ("properties.sentBytes",),
            Field.DURATION: ("properties.timeTaken",),
            Field.USER_AGENT: ("properties.userAgent",),
            Field.SERVICE: ("properties.originalHost", "properties.host"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS, peer_has_port=True),
        needs=(Field.PEER,),
    )


def azure_front_door() -> JsonFormat:
    """Azure Front Door's access log; its target is a whole address, its numbers are strings, `timeTaken` is seconds.

    https://learn.microsoft.com/azure/frontdoor/monitor-front-door-reference
    """
    return JsonFormat(
        "azure-frontdoor-json",
        "Azure Front Door (properties.httpStatusCode, properties.requestUri, ...)",
        {
            Field.TIME: ("time", "timeStamp"),
            Field.PEER: ("properties.clientIp",),
            Field.METHOD: ("properties.httpMethod",),
            Field.TARGET: ("properties.requestUri",),
            Field.PROTOCOL: ("properties.httpVersion",),
            Field.STATUS: ("properties.httpStatusCode",),
            Field.BYTES_IN: ("properties.requestBytes",),
            Field.BYTES_OUT: ("properties.responseBytes",),
            Field.DURATION: ("properties.timeTaken",),
            Field.REFERER: ("properties.referer",),
            Field.USER_AGENT: ("properties.userAgent",),
            Field.SERVICE: ("properties.hostName",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS, target_has_origin=True),
    )


def api_gateway() -> JsonFormat:
    """AWS API Gateway, with the keys of its documentation's example; latency in milliseconds.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    return JsonFormat(
        "aws-apigateway-json",
        "AWS API Gateway access log as JSON (requestTime, httpMethod, resourcePath or path, ...)",
        {
            Field.TIME: ("requestTime",),
            Field.PEER: ("ip", "sourceIp"),
            Field.METHOD: ("httpMethod",),
            Field.TARGET: ("path", "resourcePath"),
            Field.PROTOCOL: ("protocol",),
            Field.STATUS: ("status",),
            Field.BYTES_OUT: ("responseLength",),
            Field.DURATION: ("responseLatency",),
            Field.USER_AGENT: ("userAgent",),
            Field.SERVICE: ("domainName", "apiId"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS),
    )


def waf() -> JsonFormat:
    """AWS WAF: what its rules looked at, and no answers. The user agent stands in a list of headers and is not read.

    https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
    """
    return JsonFormat(
        "aws-waf-json",
        "AWS WAF (timestamp, action, httpRequest.clientIp, httpRequest.uri, ...)",
        {
            Field.TIME: ("timestamp",),
            Field.PEER: ("httpRequest.clientIp",),
            Field.METHOD: ("httpRequest.httpMethod",),
            Field.TARGET: ("httpRequest.uri",),
            Field.QUERY: ("httpRequest.args",),
            Field.PROTOCOL: ("httpRequest.httpVersion",),
            Field.SERVICE: ("httpRequest.host", "httpSourceId"),
        },
        Conventions(TimeFormat.EPOCH_MILLISECONDS),
        needs=(Field.PEER,),
    )


def vercel() -> JsonFormat:
    """Vercel's log drains: the requests that its proxy passed on; its other lines are output of programs.

    https://vercel.com/docs/drains/reference/logs
    """
    return JsonFormat(
        "vercel-json",
        "Vercel's log drains (proxy.timestamp, proxy.method, proxy.path, ...)",
        {
            Field.TIME: ("proxy.timestamp",),
            Field.PEER: ("proxy.clientIp",),
            Field.METHOD: ("proxy.method",),
            Field.TARGET: ("proxy.path",),
            Field.STATUS: ("proxy.statusCode",),
            Field.BYTES_OUT: ("proxy.responseByteSize",),
            Field.REFERER: ("proxy.referer",),
            Field.USER_AGENT: ("proxy.userAgent[0]",),
            Field.SERVICE: ("proxy.host",),
        },
        Conventions(TimeFormat.EPOCH_MILLISECONDS),
    )


def cloudfront() -> JsonFormat:
    """CloudFront's standard logs (version 2) as JSON, and its real-time logs where a stream makes JSON of them.

    The date and the time are keys of their own, all values are strings, user agents are percent-encoded.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
    """
    return JsonFormat(
        "cloudfront-json",
        "AWS CloudFront standard log as JSON (date, time, c-ip, cs-method, cs-uri-stem, sc-status, ...)",
        {
            Field.TIME: ("time", "timestamp"),
            Field.DATE: ("date",),
            Field.PEER: ("c-ip",),
            Field.FORWARDED: ("x-forwarded-for",),
            Field.METHOD: ("cs-method",),
            Field.TARGET: ("cs-uri-stem",),
            Field.QUERY: ("cs-uri-query",),
            Field.PROTOCOL: ("cs-protocol-version",),
            Field.STATUS: ("sc-status",),
            Field.BYTES_IN: ("cs-bytes",),
            Field.BYTES_OUT: ("sc-bytes",),
            Field.DURATION: ("time-taken",),
            Field.REFERER: ("cs(Referer)", "cs-referer"),
            Field.USER_AGENT: ("cs(User-Agent)", "cs-user-agent"),
            Field.SERVICE: ("x-host-header", "cs(Host)", "cs-host"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS, in_utc=True, encoded=(Field.USER_AGENT,)),
    )


def akamai() -> JsonFormat:
    """Akamai's DataStream 2: times in seconds, values percent-encoded strings, paths without their first slash.

    https://techdocs.akamai.com/datastream2/docs/data-set-parameters
    """
    return JsonFormat(
        "akamai-json",
        "Akamai DataStream 2 as JSON (reqTimeSec, cliIP, reqMethod, reqPath, statusCode, ...)",
        {
            Field.TIME: ("reqTimeSec",),
            Field.PEER: ("cliIP",),
            Field.FORWARDED: ("xForwardedFor",),
            Field.METHOD: ("reqMethod",),
            Field.TARGET: ("reqPath",),
            Field.QUERY: ("queryStr",),
            Field.STATUS: ("statusCode",),
            Field.BYTES_OUT: ("bytes", "rspContentLen"),
            Field.DURATION: ("turnAroundTimeMSec",),
            Field.REFERER: ("referer",),
            Field.USER_AGENT: ("UA",),
            Field.SERVICE: ("reqHost",),
        },
        Conventions(
            TimeFormat.EPOCH_SECONDS,
            DurationUnit.MILLISECONDS,
            target_is_relative=True,
            encoded=(Field.USER_AGENT, Field.REFERER),
        ),
    )
