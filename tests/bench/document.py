"""docs/performance.md: the text above the mark is written by hand, what is below it by `make bench`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from figures import Figure

MARK = "<!-- Below this line `make bench` writes. -->"


@dataclass(frozen=True)
class Section:
    """The figures of a group, and when and where they were measured. machine_busy: share of its cores, by others."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    measured: datetime
    machine: str
    machine_busy: float


def write(path: Path, section: Section) -> None:
    """Put the section into the document, in the place of the one of its name; the others stay as they are."""
    text = path.read_text() if path.exists() else f"# Performance\n\n{MARK}\n"
    by_hand, _, generated = text.partition(MARK)
    begin, end = f"<!-- {section.name} -->", f"<!-- /{section.name} -->"
    before, found, rest = generated.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    body = f"{before.rstrip()}\n\n{begin}\n{_render(section)}\n{end}\n{after.lstrip()}"
    path.write_text(f"{by_hand}{MARK}\n{body.rstrip()}\n".replace(f"{MARK}\n\n\n", f"{MARK}\n\n"))


def met(figure: Figure) -> str:
    """Whether the goal is met, in a word."""
    return {True: "yes", False: "NO", None: ""}[figure.met]


def _render(section: Section) -> str:
    rows = "\n".join(_row(figure) for figure in section.figures)
    return f"""## {section.title}

Measured on {section.measured:%d %B %Y, %H:%M} UTC on {section.machine}; {section.machine_busy:.0%} of its cores were
busy with something else when it began.

| figure | ours | peer | goal | met | |
|---|---|---|---|---|---|
{rows}"""


def _row(figure: Figure) -> str:
    cells = (figure.name, figure.ours, figure.peer, figure.goal, met(figure), figure.note)
    return f"| {' | '.join(cell.replace('|', '/').replace('<', '&lt;') for cell in cells)} |"
