"""What a report is made of, and how it is written as Markdown and as HTML."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Table:
    """A table of texts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bold: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A picture, with its name in the folder and what it shows."""

    name: str
    about: str
    png: bytes


@dataclass
class Section:
    """A heading with paragraphs, tables and pictures, in order."""

    title: str
    level: int = 2
    parts: list[str | Table | Picture] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Of its heading, as GitHub makes it."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


def as_markdown(sections: Sequence[Section]) -> str:
    """The report as Markdown, with images beside it."""
    lines: list[str] = []
    for section in sections:
        lines += [f"{'#' * section.level} {section.title}", ""]
        for part in section.parts:
            if isinstance(part, Table):
                lines += _markdown_table(part)
            elif isinstance(part, Picture):
                lines.append(f"![{part.about}](images/{part.name})")
            else:
                lines.append(part)
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rows = [
        [f"**{row[0]}**", *row[1:]] if place in table.bold else list(row)
        for place, row in enumerate(table.rows)
    ]
    return [line(table.columns), "|" + "---|" * len(table.columns), *map(line, rows)]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _marked(text: str) -> Markup:
    """Bold and code as in Markdown; everything else is text."""
    safe = str(escape(text))
    safe = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", safe)
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", safe))  # noqa: S704  # escaped above


def as_html(sections: Sequence[Section]) -> str:
    """The report as one HTML file with its pictures inside."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": _marked,
        "base64": _base64,
    }
    environment.tests |= {
        "table": lambda part: isinstance(part, Table),
        "picture": lambda part: isinstance(part, Picture),
    }
    template = environment.get_template("report.html.jinja")
    return template.render(sections=sections)
