"""How the story is told in a terminal: steps as they happen, a receipt at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table


class Teller:
    """Prints steps; `plain` writes lines that a log can keep."""

    def __init__(self, *, plain: bool) -> None:
        self.console = Console(no_color=plain, highlight=False, force_terminal=False if plain else None)
        self.told = 0
        self._held: list[Any] = []

    @contextmanager
    def step(self, zh: str, en: str) -> Iterator[None]:
        """Tell one step while it happens; its details follow its title."""
        self.told += 1
        mark = "[red]✗[/red]"
        try:
            with self.console.status(f"{zh} · {en}"):
                yield
            mark = "[green]✓[/green]"
        finally:
            self.console.print(f"{mark} {self.told:>2}. {zh} · {en}")
            held, self._held = self._held, []
            for each in held:
                self.console.print(each, soft_wrap=isinstance(each, str))

    def detail(self, text: str) -> None:
        """Add one line to the step."""
        self._held.append(f"       [dim]{escape(text)}[/dim]")

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
        table.add_row("结算号 Number", said["number"])
        self._held.append(
            Panel(
                table,
                title="医保购药结算单 Receipt",
                subtitle=said["pharmacy"],
                expand=False,
            )
        )

    def end(self, text: str, *, well: bool) -> None:
        """Print the last line."""
        self.console.print(f"[{'bold green' if well else 'bold red'}]{escape(text)}[/]", soft_wrap=True)


def yuan(fen: int) -> str:
    """Return fen as a person reads it."""
    return f"¥{fen // 100}.{fen % 100:02d}"
