"""The report for a terminal: what a tired person understands in ten seconds."""

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from itertools import islice

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from vedette.explain.numbers import percent, plural
from vedette.report.account import account
from vedette.report.glyphs import Glyphs
from vedette.report.headline import headline, remarks, scope
from vedette.report.moments import span
from vedette.report.story import Story, before, ranked, stories, worst
from vedette.schema.anomaly import Evidence, Severity
from vedette.schema.findings import Findings

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
_EVIDENCE = 2
_BAR = 20


def render(findings: Findings, console: Console, *, top: int, zone: tzinfo = UTC) -> None:
    """Print the report.

    Args:
        findings: What was found.
        console: Where to; its width, colours and encoding are respected.
        top: How many incidents are told in full, the worst first; the others are counted.
        zone: The time zone that times are shown in, and named with.
    """
    _Report(findings, console, top, zone).print()


class _Report:
    def __init__(self, findings: Findings, console: Console, top: int, zone: tzinfo) -> None:
        self._findings = findings
        self._console = console
        self._top = max(0, top)
        self._zone = zone
        self._glyphs = Glyphs.of(console.encoding)

    def print(self) -> None:
        self._head()
        for story in islice(stories(self._findings), self._top):
            self._incident(story)
        self._hidden()
        self._coverage()

    def _head(self) -> None:
        findings = self._findings
        style = _STYLES[worst(findings.incidents)] if findings.incidents else "bold"
        self._line(headline(findings), style=style)
        for note in remarks(findings.coverage):
            self._line(note, style="yellow")
        self._line(scope(findings.coverage, self._zone), style="dim")

    def _incident(self, story: Story) -> None:
        incident = story.incident
        style = _STYLES[incident.severity]
        title = Text(f"{self._glyphs.mark} {incident.severity.value.upper()}  ", style=style)
        title.append(self._glyphs.text(incident.title), style="bold")
        self._console.print()
        self._wrapped(title, Text())
        self._labelled(self._facts(story))
        self._shares(story)
        for evidence in story.evidence[:_EVIDENCE]:
            self._proof(evidence)
        unseen = story.evidence_total - min(len(story.evidence), _EVIDENCE)
        if unseen > 0 and story.evidence:
            most = "" if story.counted_once else "up to "
            self._line(f"and {most}{plural(unseen, 'more request')} behind this incident", 4, "dim")

    def _facts(self, story: Story) -> Iterator[tuple[str, str]]:
        incident = story.incident
        yield "what", story.summary
        yield "when", span(incident.start, incident.end, self._zone)
        yield "to", story.target
        if story.senders is not None:
            yield "from", story.senders
        if (earlier := before(story, self._zone)) is not None:
            yield "before", earlier
        yield "how sure", story.sure
        for advice in incident.advice:
            yield "do next", advice

    def _shares(self, story: Story) -> None:
        if not story.contributions:
            return
        room = max(10, self._console.width - _BAR - 18)
        names = [self._cut(f"{c.dimension} {c.value}", room) for c in story.contributions]
        widest = max(cell_len(name) for name in names)
        for name, contribution in zip(names, story.contributions, strict=True):
            row = Text(" " * 4 + set_cell_size(name, widest) + "  ")
            row.append(f"{percent(contribution.share):>7} ")
            row.append(self._glyphs.bar(contribution.share, _BAR), style="magenta")
            self._console.print(row, no_wrap=True, overflow="crop")

    def _proof(self, evidence: Evidence) -> None:
        width = self._console.width
        where = Text(" " * 4 + self._ending(f"{evidence.source}:{evidence.line}", width - 4), style="cyan")
        if evidence.matched is not None:
            rule = f" ({evidence.rule})" if evidence.rule else ""
            matched = f" matched {evidence.matched}{rule}"
            if cell_len(where.plain) + cell_len(self._glyphs.text(matched)) > width:
                self._console.print(where, no_wrap=True, overflow="crop")
                where = Text(" " * 5)
            where.append(self._cut(matched, width - cell_len(where.plain)), "default")
        self._console.print(where, no_wrap=True, overflow="crop")
        line = self._cut(self._telling(evidence, width - 6), width - 6)
        self._console.print(Text(" " * 6 + line, style="dim"), no_wrap=True, overflow="crop")

    def _telling(self, evidence: Evidence, cells: int) -> str:
        """A line, if too long from its request on: what comes before only says when and from whom."""
        text = evidence.text
        if len(text) <= cells or text.startswith(("{", '"')):
            return text
        begin = max(0, text.find('"'))
        until = text.find('"', begin + 1)
        if evidence.matched:
            match = text.lower().find(evidence.matched.lower(), begin, until if until >= 0 else None)
            if match + len(evidence.matched) > begin + cells:
                begin = match
        begin = min(begin, len(text) - cells)
        return self._glyphs.ellipsis + text[begin:] if begin > len(self._glyphs.ellipsis) else text

    def _hidden(self) -> None:
        hidden = ranked(self._findings.incidents)[self._top :]
        if hidden:
            self._console.print()
            self._line(
                f"{plural(len(hidden), 'more incident')}, the worst {worst(hidden).value}: "
                f"--top {len(self._findings.incidents)} tells all"
            )

    def _coverage(self) -> None:
        self._console.print()
        self._line("What this rests on", style="bold")
        self._labelled(account(self._findings.coverage))

    def _labelled(self, facts: Iterable[tuple[str, str]]) -> None:
        """Labels in a column of their own, each said once, and sentences beside them."""
        rows = list(facts)
        column = max(len(label) for label, _ in rows) + 2
        previous = ""
        for label, text in rows:
            lead = Text(" " * 2 + ("" if label == previous else label).ljust(column), style="dim")
            self._wrapped(Text(self._glyphs.text(text)), lead)
            previous = label

    def _wrapped(self, text: Text, lead: Text) -> None:
        """A text under itself, without the blanks that a table would leave at line ends."""
        for line in text.wrap(self._console, max(8, self._console.width - len(lead)), overflow="fold"):
            line.rstrip()
            # Not cropped: on a terminal too narrow even for that, the terminal breaks the line.
            self._console.print(Text.assemble(lead, line), soft_wrap=True)
            lead = Text(" " * len(lead))

    def _line(self, text: str, indent: int = 0, style: str = "") -> None:
        self._wrapped(Text(self._glyphs.text(text), style=style), Text(" " * indent))

    def _cut(self, text: str, cells: int) -> str:
        """A text made harmless and cut to a width, the cut marked."""
        # Characters without width cost none: bound the characters too.
        harmless = self._glyphs.text(text[: 4 * max(cells, 1)])
        if cell_len(harmless) <= cells and len(text) <= 4 * max(cells, 1):
            return harmless
        mark = self._glyphs.ellipsis
        return set_cell_size(harmless, max(0, cells - len(mark))).rstrip() + mark

    def _ending(self, text: str, cells: int) -> str:
        """Like `_cut`, but the end is kept: of a long path, the file and the line."""
        harmless = self._glyphs.text(text[-4 * max(cells, 1) :])
        if cell_len(harmless) <= cells and len(text) <= 4 * max(cells, 1):
            return harmless
        mark = self._glyphs.ellipsis
        return mark + set_cell_size(harmless[::-1], max(0, cells - len(mark)))[::-1].lstrip()
