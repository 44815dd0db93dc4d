"""The documentation's pages, their links, and the commands that they show."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
_FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Example:
    """A command shown after `$ `, what it is shown to print, and what to expect of that."""

    command: str
    output: str
    exact: bool
    status: int


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced ```console block. The commands of all blocks of a page are run in turn, in one directory."""

    line: int
    examples: tuple[Example, ...]


def console_blocks(page: Path) -> list[Block]:
    r"""The blocks of a page that are run: those that begin "```console".

    After `console` may stand `exact` (the output shown must be the command's own, apart from how long it took) and
    `status=N` (the exit status of its last command, 0 without). A command may go on over lines that end in a backslash.
    """
    text = page.read_text()
    found = []
    for fence in _FENCE.finditer(text):
        kind, *words = fence["kind"].split() or [""]
        if kind == "console":
            status = next((int(w.removeprefix("status=")) for w in words if w.startswith("status=")), 0)
            examples = _examples(fence["body"], exact="exact" in words, status=status)
            found.append(Block(text.count("\n", 0, fence.start()) + 1, examples))
    return found


def _examples(body: str, *, exact: bool, status: int) -> tuple[Example, ...]:
    commands = re.split(r"^\$ ", body, flags=re.MULTILINE)
    assert not commands[0].strip(), f"a console block begins with '$ ': {commands[0]!r}"
    examples = []
    for number, text in enumerate(commands[1:], 1):
        command, _, output = re.sub(r"\\\n\s*", "", text).partition("\n")
        last = number == len(commands) - 1
        examples.append(Example(command, output, exact and last, status if last else 0))
    return tuple(examples)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Targets of a page's links."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """What a link into a page may name after `#`, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
