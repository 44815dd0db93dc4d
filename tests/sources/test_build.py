"""From the configuration to sources."""

from pathlib import Path

import pytest

from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.sources.build import build_sources
from vedette.sources.errors import SourceError
from vedette.sources.journal import Journal

EVERYTHING = """
sources:
  tail:
    - paths: [{here}/access.log]
      begin: end
      history: true
      service: shop
  syslog:
    - listen: ["udp://127.0.0.1:0", "tcp://[::1]:0"]
      senders: [10.0.0.0/8]
    - listen: ["udp://127.0.0.1:0"]
  loki:
    - url: http://loki:3100
      query: '{{job="nginx"}} |= "GET"'
      tenant: shop
      token_file: {here}/token
    - name: eu
      url: https://loki.example.com
      query: '{{app="x"}}'
"""


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal", lambda: 0)
    yield made
    made.close()


def load(directory: Path, text: str) -> Config:
    path = directory / "vedette.yaml"
    path.write_text(text)
    return Config.load(path)


def test_every_kind_is_made_and_named_apart(tmp_path, journal):
    (tmp_path / "token").write_text("secret")
    config = load(tmp_path, EVERYTHING.format(here=tmp_path))
    sources = build_sources(config.sources, lambda: 0, journal, paths=["-", "more.log"])
    assert [source.name for source in sources] == ["files", "syslog", "syslog-2", "loki", "loki-eu", "stdin"]
    assert build_sources(Config().sources, lambda: 0, journal) == []
    for source in sources:
        source.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tail: [{paths: []}]", "sources.tail[0].paths"),
        ('syslog: [{listen: ["http://x"]}]', "must be like udp://0.0.0.0:5514"),
        ('syslog: [{listen: ["tls://0.0.0.0:6514"]}]', "tls:// needs `certificate` and `certificate_key`"),
        ("loki: [{url: 'http://u:p@x', query: '{}'}]", "must not hold a user and password"),
        ("loki: [{url: 'http://x', query: 'rate({a=\"b\"}[1m])'}]", "must begin with a stream selector"),
        ("loki: [{url: 'http://x', query: '{}', username: a, token: b}]", "`username` or `token`, not both"),
        (
            "loki: [{url: 'http://x', query: '{}'}, {url: 'http://y', query: '{}'}]",
            "two have the name 'loki'",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        load(tmp_path, f"sources:\n  {text}\n")
    assert said in str(error.value)


def test_a_certificate_that_cannot_be_read_is_named(tmp_path, journal):
    config = load(
        tmp_path,
        "sources:\n  syslog: [{listen: ['tls://127.0.0.1:0'], certificate: /no.pem, certificate_key: /no.key}]\n",
    )
    with pytest.raises(SourceError, match="No such file or directory"):
        build_sources(config.sources, lambda: 0, journal)
