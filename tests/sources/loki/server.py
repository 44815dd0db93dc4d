"""A Loki as far as it is asked: `query_range` forward, `series` and `push`, after its HTTP API page.

`start` is included and `end` is not; a page has the oldest `limit` entries over all streams; a limit above
`max_entries_limit_per_query` is refused with Loki's words; entries equal in time, stream and line are one.
"""

import base64
import json
import re
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Store:
    """Entries, and the queries over them."""

    def __init__(self, highest=5000):
        self.highest = highest
        self.entries = set()

    def add(self, time, labels, line):
        self.entries.add((time, tuple(sorted(labels.items())), line))

    def query_range(self, query, start, end, limit):
        if limit > self.highest:
            raise ValueError(
                f"max entries limit per query exceeded, limit > max_entries_limit ({limit} > {self.highest})"
            )
        return self._found(query, start, end)[:limit]

    def _found(self, query, start, end):
        selector, _, rest = query.partition("}")
        wanted = {name: json.loads(f'"{value}"') for name, value in PAIR.findall(selector)}
        needle = rest.partition('|= "')[2].rstrip('"')
        return sorted(
            entry
            for entry in self.entries
            if start <= entry[0] < end and wanted.items() <= dict(entry[1]).items() and needle in entry[2]
        )

    def series(self, selector, start, end):
        return sorted({labels for _, labels, _ in self._found(selector, start, end)})


class Server:
    """The store over HTTP; `fail` holds answers to give instead: (status, headers, body)."""

    def __init__(self, store, authorization=None, tenant=None):
        self.store = store
        self.fail = []
        self.asked = []
        self.pushed = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                outer.asked.append((parts.path, asked))
                if outer.fail:
                    return self.answer(*outer.fail.pop(0))
                if tenant is not None and self.headers.get("X-Scope-OrgID") != tenant:
                    return self.answer(401, {}, b"no org id\n")
                if authorization is not None and self.headers.get("Authorization") != authorization:
                    return self.answer(401, {}, b"unauthorized\n")
                span = int(asked["start"]), int(asked["end"])
                if parts.path == "/loki/api/v1/series":
                    streams = outer.store.series(asked["match[]"], *span)
                    return self.say({"status": "success", "data": [dict(labels) for labels in streams]})
                assert parts.path == "/loki/api/v1/query_range"
                assert asked["direction"] == "forward"
                try:
                    found = outer.store.query_range(asked["query"], *span, int(asked["limit"]))
                except ValueError as error:
                    return self.answer(400, {}, str(error).encode())
                streams = defaultdict(list)
                for time, labels, line in found:
                    streams[labels].append([str(time), line, {}])
                result = [{"stream": dict(labels), "values": values} for labels, values in streams.items()]
                return self.say(
                    {"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}
                )

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.pushed.append((self.path, dict(self.headers), body))
                if outer.fail:
                    return self.answer(*outer.fail.pop(0))
                return self.answer(204, {}, b"")

            def say(self, document):
                self.answer(200, {"Content-Type": "application/json"}, json.dumps(document).encode())

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
