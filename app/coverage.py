"""What the guides must name: settings, scopes, jobs, audit actions and commands; the check says what they do not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
from flask import Flask

from app.cli import suxin
from app.config import Settings, env_name
from app.guards import access_of

ROOT = Path(__file__).parent.parent
GUIDES = ROOT / "docs"


def undocumented(app: Flask, guides: Path = GUIDES) -> list[str]:
    """List every setting, scope, job, audit action and command that no guide names."""
    text = "\n".join(each.read_text("utf-8") for each in sorted(guides.glob("*.md")))
    return [f"not documented: {name}" for name in sorted(promised(app)) if f"`{name}`" not in text]


def promised(app: Flask) -> set[str]:
    """Return the names that users rely on."""
    plugins = app.extensions["suxin.registry"].mounted
    names = {env_name(each.name) for each in fields(Settings)}
    names |= {f"SUXIN_{p.name.upper()}_{s.name.upper()}" for p in plugins for s in p.settings}
    names |= {scope for plugin in plugins for scope in plugin.scopes} | set(_required(app))
    names |= set(app.extensions["suxin.jobs"]) | set(_audited(ROOT))
    return names | {f"suxin {path}" for path in _commands(suxin, click.Context(suxin))}


def _required(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            access = access_of(app.view_functions[rule.endpoint], method)
            yield from access.scopes if access else ()


def _audited(root: Path) -> Iterator[str]:
    """Yield the first argument of every `record("…")` in the shipped packages."""
    for package in ("app", "identity", "plugins"):
        for file in (root / package).rglob("*.py"):
            if "tests" not in file.parts and "template" not in file.parts:
                yield from _recorded(ast.parse(file.read_text("utf-8")))


def _recorded(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[0]
        if called == "record" and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _commands(group: click.Group, context: click.Context) -> list[str]:
    paths = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        nested = _commands(command, click.Context(command)) if isinstance(command, click.Group) else []
        paths += [f"{name} {below}" for below in nested] or [name]
    return paths
