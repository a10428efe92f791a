"""How a text table is written: its encoding, what parts its fields, and its decimal sign."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAMPLE = 1 << 18  # bytes that show how the rest is written
_LINES = 40
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLANKS = r"\s+"
_WITH_COMMA = re.compile(r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$")
_WITH_POINT = re.compile(r"^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+$")


@dataclass(frozen=True)
class Dialect:
    """How a text table is written, in the words of `pandas.read_csv`.

    Attributes
    ----------
    encoding, separator, decimal
        As pandas takes them.
    lines
        The first ones, taken apart into fields.
    comments
        Lines to skip: those down to the last one that begins with ``#``, before the header.
    """

    encoding: str
    separator: str
    decimal: str
    lines: tuple[tuple[str, ...], ...]
    comments: int = 0


def dialect_of(path: Path) -> Dialect:
    """Look at the beginning of a text table.

    A separator parts each line into the same number of fields, but for R's header, which is one
    shorter; commas in names do not. The one that the file's ending names is preferred.

    Raises
    ------
    InputError
        If it is no text.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        sample = file.read(_SAMPLE)
    encoding, text = _decoded(sample, path)
    whole = len(sample) < _SAMPLE
    split = re.split(r"\r\n|\r|\n", text)
    comments = _comments(split)
    lines = [line for line in split[comments:] if line.strip()]
    lines = (lines if whole or len(lines) == 1 else lines[:-1])[:_LINES]
    is_tabbed = path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
    order = "\t,;|" if is_tabbed else ",;\t|"
    tables = {separator: _fields(lines, separator) for separator in order}
    separator = max(order, key=lambda each: (_evenness(tables[each]), -order.index(each)))
    fields = tables[separator]
    if _evenness(fields) == (0, 0.0, 0):
        blank = [tuple(line.split()) for line in lines]
        if _evenness(blank) != (0, 0.0, 0):
            separator, fields = _BLANKS, blank
    decimal = "," if separator != "," and _has_decimal_commas(fields[1:]) else "."
    return Dialect(encoding, separator, decimal, tuple(fields), comments)


@contextmanager
def below_comments(path: Path, dialect: Dialect) -> Iterator[Path | TextIO]:
    """Open a text table below its comments; its path where it has none, which pandas reads faster.

    pandas itself would count blank lines or not, by how lines end.
    """
    if not dialect.comments:
        yield path
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=dialect.encoding) as text:
        for _ in range(dialect.comments):
            text.readline()
        yield text


def _comments(lines: list[str]) -> int:
    """Count the lines before the header; one that has its fields, such as #barcode, is the header.

    Comments hold sentences, so the line after the last one shows how many fields there are.
    """
    last = 0
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            last = number
        elif line.strip():
            separator = max(",;\t|", key=line.count)
            parts, header = line.count(separator), lines[last - 1] if last else ""
            is_header = last and parts and header.count(separator) >= parts - 1
            return last - 1 if is_header else last
    return 0


def _decoded(sample: bytes, path: Path) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding, sample.decode(encoding, errors="ignore")
    if sample.lstrip()[:1] in (b"<", b"{"):
        raise InputError(
            f"{path} is a page of the web or JSON, whatever its name says. Download the file "
            "itself: the link may lead to a page about it."
        )
    if b"\0" in sample:
        evens, odds = sample[0::2].count(0), sample[1::2].count(0)
        if max(evens, odds) < 0.2 * len(sample):
            raise InputError(
                f"{path} is no text, whatever its name says. Pass the file under the name that it "
                "had, or save the table as CSV."
            )
        encoding = "utf-16-le" if odds > evens else "utf-16-be"
        return encoding, sample.decode(encoding, errors="ignore")
    try:
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252", sample.decode("cp1252", errors="replace")


def _fields(lines: list[str], separator: str) -> list[tuple[str, ...]]:
    try:
        return [tuple(row) for row in csv.reader(lines, delimiter=separator)]
    except csv.Error:  # such as a field beyond all bounds
        return []


def _evenness(rows: list[tuple[str, ...]]) -> tuple[int, float, int]:
    """Rank a way to part lines: by the header's fit, by the share of even rows, by fields."""
    if not rows:
        return 0, 0.0, 0
    header, *body = map(len, rows)
    usual, count = Counter(body or [header]).most_common(1)[0]
    share = count / max(1, len(body))
    if usual < 2 or share < 0.8:
        return 0, 0.0, 0
    fit = 2 if header == usual else 1 if header == usual - 1 else 0
    return (fit, share, usual) if fit else (0, 0.0, 0)


def _has_decimal_commas(rows: list[tuple[str, ...]]) -> bool:
    cells = [cell.strip() for row in rows for cell in row[1:]]
    commas = [cell for cell in cells if _WITH_COMMA.match(cell)]
    points = any(_WITH_POINT.match(cell) for cell in cells)
    return bool(commas) and not points and not all(_THOUSANDS.match(cell) for cell in commas)
