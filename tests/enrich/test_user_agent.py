import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.enrich.agent_words import WORDS
from vedette.enrich.user_agent import READ_BYTES, Agent, AgentKind, UserAgents
from vedette.kernels.requests.tokens import compile_words, search
from vedette.schema.requests import Vocabulary

AGENTS = UserAgents()
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/120.0.0.0 Safari/537.36"
)


def kinds(*texts: bytes) -> list[AgentKind]:
    return [AgentKind(kind) for kind in AGENTS.kinds(Vocabulary.of(texts)).tolist()]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", AgentKind.EMPTY),
        (b"-", AgentKind.EMPTY),
        (b"x", AgentKind.UNKNOWN),
        (b"MyShop/3.1 (iPhone)", AgentKind.UNKNOWN),
        (CHROME, AgentKind.BROWSER),
        (b"Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16", AgentKind.BROWSER),
        (
            b"Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) AppleWebKit/537.36 Chrome/99.0 Mobile",
            AgentKind.BROWSER,
        ),
        (
            b"Mozilla/4.0 (compatible; MSIE 6.0; Embedded Web Browser from: http://bsalsa.com/)",
            AgentKind.BROWSER,
        ),
        (b"curl/8.5.0", AgentKind.TOOL),
        (b"python-requests/2.31.0", AgentKind.TOOL),
        (b"Go-http-client/1.1", AgentKind.TOOL),
        (b"Java/17.0.1", AgentKind.TOOL),
        (b"Wget/1.21", AgentKind.TOOL),
        (b"libwww-perl/6.67", AgentKind.TOOL),
        (b"Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0 Safari/537.36", AgentKind.TOOL),
        (b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", AgentKind.DECLARED_BOT),
        (b"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", AgentKind.DECLARED_BOT),
        (b"Mozilla/5.0 (compatible; Yahoo! Slurp)", AgentKind.DECLARED_BOT),
        (b"Baiduspider+(+http://www.baidu.com/search/spider.htm)", AgentKind.DECLARED_BOT),
        (b"facebookexternalhit/1.1", AgentKind.DECLARED_BOT),
        (b"UniversalFeedParser/4.2-pre-314-svn", AgentKind.DECLARED_BOT),
        (b"kube-probe/1.28", AgentKind.DECLARED_BOT),
        (b"CUBOT bot", AgentKind.DECLARED_BOT),
        (b"curl/8 bot", AgentKind.DECLARED_BOT),
    ],
)
def test_tells_what_an_agent_says_it_is(text: bytes, kind: AgentKind) -> None:
    assert kinds(text) == [kind]


def test_every_word_is_found_in_any_case() -> None:
    for word, verdict in WORDS.items():
        text = word.lstrip(b"\0").upper()
        assert kinds(text)[0] >= verdict, word


@given(
    st.dictionaries(
        st.text(alphabet="abc", min_size=1, max_size=4).map(str.encode),
        st.integers(1, 7),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.text(alphabet="abcABC-", max_size=20).map(str.encode), max_size=6),
)
def test_a_search_finds_the_highest_word_that_is_there(words: dict[bytes, int], texts: list[bytes]) -> None:
    compiled = compile_words(words)
    vocabulary = Vocabulary.of(texts)
    found = np.zeros(len(texts), dtype=np.uint8)
    search(
        vocabulary.buffer,
        vocabulary.start,
        vocabulary.length,
        100,
        compiled.symbols,
        compiled.step,
        compiled.start,
        7,
        found,
    )
    assert found.tolist() == [
        max((verdict for word, verdict in words.items() if word in text.lower()), default=0) for text in texts
    ]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_have_a_kind_whatever_their_company(texts: list[bytes]) -> None:
    assert kinds(*texts) == [kinds(text)[0] for text in texts]


def test_only_the_beginning_of_a_long_agent_is_read() -> None:
    assert kinds(b"x" * READ_BYTES + b"bot") == [AgentKind.UNKNOWN]
    assert kinds(b"x" * (READ_BYTES - 3) + b"bot") == [AgentKind.DECLARED_BOT]


def test_describes_family_and_version() -> None:
    assert AGENTS.describe(CHROME) == Agent("Chrome", AgentKind.BROWSER, 120)
    assert AGENTS.describe(b"curl/8.5.0") == Agent("curl", AgentKind.TOOL, 8)
    assert AGENTS.describe(b"-") == Agent("(none)", AgentKind.EMPTY, None)
    assert AGENTS.describe(b"\xff\x00") == Agent("(unknown)", AgentKind.UNKNOWN, None)


def test_agents_alike_in_what_is_read_are_remembered_once() -> None:
    agents = UserAgents()
    for i in range(3):
        agents.describe(CHROME + b" " * READ_BYTES + b"%d" % i)
    assert agents._remembered.cache_info().currsize == 1
