"""What `suxin plugin check` looks at beyond the contract: rehearsal, drift, declarations, papers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import MetaData
from sqlalchemy.exc import OperationalError

from app.db import Database
from app.migrations.run import Owner, drift
from app.registry import declarations, schema
from app.registry.contract import Plugin
from app.registry.find import Candidate
from app.registry.refusal import Refused, told
from app.registry.rehearse import rehearse

PASSED, FAILED, SKIPPED, NOT_APPLICABLE = "passed", "failed", "skipped", "not applicable"
README_QUESTIONS = ("For whom", "Data and legal ground", "Scopes", "On call")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`: what was looked at and how it came out."""

    what: str
    verdict: str
    said: str


def inspect(plugin: Plugin, candidate: Candidate, app: Flask) -> list[Finding]:
    """Return every finding about a plugin that fulfils the contract."""
    return [Finding("contract", PASSED, "fulfilled"), *(look(plugin, candidate, app) for look in _LOOKS)]


def probes(app: Flask) -> list[Finding]:
    """Run the health checks of every mounted plugin."""
    with app.app_context():
        return [
            _probed(f"{plugin.name}.{check.name}", check.probe)
            for plugin in app.extensions["suxin.registry"].mounted
            for check in plugin.health
        ]


def _probed(what: str, probe: Callable[[], None]) -> Finding:
    try:
        probe()
    except Exception as error:
        return Finding(what, FAILED, told(error))
    return Finding(what, PASSED, "well")


def _rehearsal(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    try:
        rehearse(plugin, like=app)
    except Refused as refusal:
        return Finding("rehearsal", FAILED, str(refusal))
    return Finding("rehearsal", PASSED, "routes, access, scopes and OpenAPI document are in order")


def _translations(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    texts = [plugin.title, *plugin.scopes.values(), *(page.title for page in plugin.pages)]
    same = sorted({text.en for text in texts if text.zh.strip() == text.en.strip()})
    if same:
        return Finding("translations", FAILED, f"Chinese and English are the same: {', '.join(same)}")
    return Finding("translations", PASSED, f"{len(texts)} texts in both languages")


def _readme(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    try:
        text = str(metadata(candidate.distribution).json.get("description", ""))
    except PackageNotFoundError:
        text = ""
    if candidate.distribution == "suxin":
        beside = Path(__file__).parents[2] / "plugins" / plugin.name / "README.md"
        text = beside.read_text("utf-8") if beside.is_file() else ""
    missing = [question for question in README_QUESTIONS if not _answered(text, question)]
    if missing:
        return Finding("README", FAILED, f"no answer below the heading(s): {', '.join(missing)}")
    return Finding("README", PASSED, "all four questions are answered")


def _answered(text: str, question: str) -> bool:
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("#") and line.lstrip("# ").strip().lower() == question.lower():
            return any(_until_heading(lines))
    return False


def _until_heading(lines: Iterator[str]) -> Iterator[bool]:
    for line in lines:
        if line.startswith("#"):
            return
        yield bool(line.strip())


def _drift(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    if plugin.migrations is None:
        return Finding("migration drift", NOT_APPLICABLE, "it has no tables")
    models = getattr(plugin.models, "metadata", plugin.models)
    if not isinstance(models, MetaData):
        return Finding("migration drift", FAILED, "it has migrations, yet `models` names no metadata")
    return _compared(plugin, Owner(plugin.name, plugin.migrations, models), app)


def _compared(plugin: Plugin, owner: Owner, app: Flask) -> Finding:
    db: Database | None = app.extensions.get("suxin.db")
    if db is None:
        return Finding("migration drift", SKIPPED, "no database is set")
    try:
        behind = schema.behind(app, [plugin]).get(plugin.name)
        if behind is not None:
            return Finding("migration drift", FAILED, behind.reason)
        differences = drift(db.write.url.render_as_string(hide_password=False), owner)
    except OperationalError:
        return Finding("migration drift", SKIPPED, "the database does not answer")
    if differences:
        return Finding("migration drift", FAILED, f"models and migrations differ: {differences[:3]}")
    return Finding("migration drift", PASSED, "models and migrations agree")


def _declarations(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    files = _declared(plugin)
    if not files:
        return Finding("declarations", NOT_APPLICABLE, "it declares nothing")
    try:
        held = declarations.read(plugin)
    except Refused as refusal:
        return Finding("declarations", FAILED, refusal.reason)
    said = f"{len(held.certificates)} certificate types, {len(held.notices)} kinds of notices"
    return Finding("declarations", PASSED, said)


def _paths(plugin: Plugin, candidate: Candidate, app: Flask) -> Finding:
    if not any("cases" in file.relative_to(plugin.declarations or file).parts for file in _declared(plugin)):
        return Finding("fixtures of paths", NOT_APPLICABLE, "it declares no cases")
    missing = [path for path in ("happy", "supplement", "time_out", "withdrawal") if path not in plugin.fixtures]
    if missing:
        return Finding("fixtures of paths", FAILED, f"`fixtures` lacks {', '.join(missing)}")
    return Finding("fixtures of paths", PASSED, "all four")


def _declared(plugin: Plugin) -> list[Path]:
    return sorted(plugin.declarations.rglob("*.yaml")) if plugin.declarations is not None else []


_LOOKS: tuple[Callable[[Plugin, Candidate, Any], Finding], ...] = (
    _rehearsal, _translations, _readme, _drift, _declarations, _paths,
)  # fmt: skip
