"""How the story is told in a terminal: steps as they happen, a receipt at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table


class Teller:
    """Prints steps; `plain` writes lines that a log can keep."""

    def __init__(self, *, plain: bool) -> None:
        self.console = Console(no_color=plain, highlight=False, force_terminal=False if plain else None)
        self.told = 0

    @contextmanager
    def step(self, zh: str, en: str) -> Iterator[None]:
        """Tell one step while it happens."""
        self.told += 1
        with self.console.status(f"{zh} · {en}"):
            yield
        self.console.print(f"[green]✓[/green] {self.told:>2}. {zh} · {en}")

    def detail(self, text: str) -> None:
        """Add one line to the step."""
        self.console.print(f"       [dim]{text}[/dim]")

    def refusal(self, said: dict[str, Any]) -> None:
        """Show a refusal as the pharmacist reads it: the reason, what to do, the other ways."""
        kind = str(said.get("type", "")).rpartition("/")[2] or said.get("decision", "")
        reason = said.get("reason")
        self.detail(f"{kind}{f' ({reason})' if reason else ''}: {said.get('title') or said.get('message')}")
        if said.get("next_step"):
            self.detail(f"→ {said['next_step']}")
        if said.get("alternatives"):
            self.detail(f"→ other ways: {', '.join(said['alternatives'])}")

    def receipt(self, said: dict[str, Any]) -> None:
        """Print the pharmacy's receipt."""
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column()
        table.add_column(justify="right")
        for line in said["lines"]:
            table.add_row(f"{line['name']} × {line['quantity']}", yuan(line["amount_fen"]))
        table.add_row("", "────────")
        table.add_row("合计 Total", yuan(said["total_fen"]))
        table.add_row("统筹基金支付 Pooled fund", yuan(said["fund_fen"]))
        table.add_row("个人账户支付 Personal account", yuan(said["account_fen"]))
        table.add_row("现金支付 Cash", yuan(said["cash_fen"]))
        self.console.print(
            Panel(
                table,
                title="医保购药结算单 Receipt",
                subtitle=f"{said['pharmacy']} · {said['number']}",
                expand=False,
            )
        )

    def end(self, text: str, *, well: bool) -> None:
        """Print the last line."""
        self.console.print(f"[{'bold green' if well else 'bold red'}]{text}[/]")


def yuan(fen: int) -> str:
    """Return fen as a person reads it."""
    return f"¥{fen // 100}.{fen % 100:02d}"
