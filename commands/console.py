"""Output of a command: its result on stdout, as tables or one JSON document, and everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from domain.errors import AppError, InvalidRequest

if TYPE_CHECKING:
    from domain.jobs import JobProgress

errors = Console(stderr=True)
# Exit status, as docs/command-line.md has them.
REFUSED, INTERRUPTED = 2, 130
# A pipe has no width; at the default of 80 characters, tables would wrap.
PIPE_WIDTH = 160
# By what the terminal's library marks a word that it cuts.
CUT = "…"


def output() -> Console:
    """Return the console for results."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def show(document: Mapping[str, Any], tables: RenderableType, as_json: bool) -> None:
    """Print a result: either the tables or the document.

    Args:
        document: Plain values.
        tables: The same values as tables or text.
        as_json: Whether to print the document.
    """
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")
    else:
        console = output()
        # A line of Markdown is as long as it is: broken, a table is none.
        console.print(fitted(tables, console), crop=False, soft_wrap=isinstance(tables, str))


def fitted(shown: RenderableType, console: Console) -> RenderableType:
    """Return what is shown, each table whose words would be cut as lines of name and value; an empty one says so."""
    if isinstance(shown, Group):
        return Group(*(fitted(part, console) for part in shown.renderables))
    if not isinstance(shown, Table) or not shown.show_header:
        return shown
    if not shown.row_count:
        return Group(*(Text.from_markup(str(words)) for words in (shown.title, shown.caption or "none") if words))
    if not any(CUT in part.text for line in console.render_lines(shown) for part in line):
        return shown
    lines = Table(title=shown.title, caption=shown.caption, show_header=False, box=shown.box)
    lines.add_column()
    lines.add_column(overflow="fold")
    for row in zip(*(list(column.cells) for column in shown.columns), strict=True):
        for column, cell in zip(shown.columns, row, strict=True):
            lines.add_row(column.header, cell, end_section=column is shown.columns[-1])
    return lines


def say(words: str) -> None:
    """Print a line on stderr without formatting."""
    errors.print(words, highlight=False, markup=False, soft_wrap=True)


def fail(message: str) -> None:
    """Print an error as one line on stderr."""
    line = Text.assemble(("error:", "red"), " ", " ".join(message.split()))
    errors.print(line, highlight=False, soft_wrap=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file or folder that cannot be written.

    Raises:
        InvalidRequest: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def working() -> Iterator[Callable[[str], None]]:
    """Show the current step and its time on a terminal; yield a function that changes the step's text."""
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with _progress(*columns) as progress:
        task = progress.add_task("", total=None)
        yield lambda words: progress.update(task, description=words)


@contextmanager
def stages() -> Iterator[Callable[[JobProgress], None]]:
    """Show the stage as a bar on a terminal, of a training with epoch, losses and time left; yield what updates it."""
    epoch = TextColumn("{task.fields[epoch]}", markup=False)
    columns = TextColumn("{task.description}", markup=False), BarColumn(20), TaskProgressColumn(), epoch
    with _progress(*columns) as progress:
        task = progress.add_task("preparing", total=1.0, epoch="")

        def tell(now: JobProgress) -> None:
            progress.update(task, completed=now.share, description=now.stage, epoch=_epoch(now))

        yield tell


@contextmanager
def downloading() -> Iterator[Callable[[str, float], None]]:
    """Show what is downloaded as a bar on a terminal; yield a function that takes words and the share done, 0..1."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(20), TaskProgressColumn(), TimeRemainingColumn()
    with _progress(*columns) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda words, share: progress.update(task, description=words, completed=share)


@contextmanager
def _progress(*columns: ProgressColumn) -> Iterator[Progress]:
    with _noise_hidden() as terminal:
        console = Console(file=terminal)
        # Output of Python on stderr is hidden too, and not printed above the bar.
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal, redirect_stderr=False
        ) as progress:
            yield progress


@contextmanager
def _noise_hidden() -> Iterator[TextIO]:
    """Hide what libraries such as TensorFlow write to stderr; yield the original stderr.

    No setting silences all of it: C++ code writes some before settings are read. After an unexpected error
    the hidden output is written.
    """
    sys.stderr.flush()
    with TemporaryFile() as noise, os.fdopen(os.dup(2), "w") as terminal:
        os.dup2(noise.fileno(), 2)
        expected = False
        try:
            yield terminal
            expected = True
        except (AppError, KeyboardInterrupt):
            expected = True
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal.fileno(), 2)
            if not expected:
                noise.seek(0)
                terminal.write(noise.read().decode(errors="replace"))


def _epoch(now: JobProgress) -> str:
    parts = []
    if now.epoch is not None:
        parts.append(f"epoch {now.epoch} of {now.epochs}")
    if now.loss is not None and now.validation_loss is not None:
        parts.append(f"loss {now.loss:.4f}, validation {now.validation_loss:.4f}")
    if now.seconds_left is not None:
        minutes, seconds = divmod(round(now.seconds_left), 60)
        hours, minutes = divmod(minutes, 60)
        parts.append(f"{hours}:{minutes:02}:{seconds:02} left")
    return ", ".join(parts)
