"""Says what the start is doing: live in a terminal, one line a step elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import click


class Progress:
    """Prints finished steps; a terminal also shows the one under way."""

    def __init__(self) -> None:
        self.began_at = time.monotonic()
        self._live: Any = None
        self._console: Any = None
        if sys.stdout.isatty():
            from rich.console import Console

            self._console = Console(highlight=False)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began_at

    def doing(self, what: str) -> None:
        """Show the step under way."""
        if self._console is None:
            return
        if self._live is None:
            self._live = self._console.status(what)
            self._live.start()
        self._live.update(what)

    def done(self, what: str) -> None:
        """Print a finished step with the time since the start."""
        if self._console is None:
            click.echo(f"[{self.seconds:5.1f} s] {what}")
        else:
            self._console.print(f"[green]✓[/green] [dim]{self.seconds:5.1f} s[/dim] {what}")

    def say(self, text: str) -> None:
        """Print a line as it is."""
        if self._console is None:
            click.echo(text)
        else:
            self._console.print(text, markup=False)

    def quiet(self) -> None:
        """End the live line, before somebody else writes to the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None
