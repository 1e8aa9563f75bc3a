"""The guides name everything users rely on, and their links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from app.coverage import GUIDES, ROOT, promised, undocumented
from app.errors import DomainError
from app.presence.errors import PresenceError
from app.registry.contract import Plugin
from app.registry.refusal import Stage
from plugins.health import errors as health_errors

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")
FENCED = re.compile(r"```.*?```", re.DOTALL)
SKIPPED = {".venv", ".git", "node_modules", ".suxin"}


def _leaves(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    below = kind.__subclasses__()
    yield from (leaf for each in below for leaf in _leaves(each)) if below else (kind,)


def _raised_by(module: ModuleType) -> Iterator[type[DomainError]]:
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    yield from (each for each in own if issubclass(each, DomainError) and not each.__subclasses__())


def test_guides_name_every_setting_scope_job_action_and_command(app: Flask) -> None:
    assert undocumented(app) == []


@pytest.mark.parametrize(
    "name",
    [
        "SUXIN_STATEMENT_TIMEOUT_MS", "SUXIN_HEALTH_INSURER_URL", "health:settle", "presence:verify",
        "health.issue_receipt", "identity.face-erased", "suxin device add",
    ],
)  # fmt: skip
def test_removing_a_name_from_the_guides_is_found(app: Flask, tmp_path: Path, name: str) -> None:
    before = set(undocumented(app))
    for guide in GUIDES.glob("*.md"):
        (tmp_path / guide.name).write_text(guide.read_text("utf-8").replace(f"`{name}`", "`gone`"), "utf-8")

    assert set(undocumented(app, tmp_path)) - before == {f"not documented: {name}"}


def test_promised_names_come_from_the_code_not_from_a_list(app: Flask) -> None:
    names = promised(app)

    assert {"SUXIN_PORT", "openid", "core.presence_sweep", "health.settled", "suxin up"} <= names


@pytest.mark.parametrize("field", [each.name for each in fields(Plugin)])
def test_each_field_of_the_plugin_contract_has_its_row(field: str) -> None:
    assert f"\n| `{field}` |" in (GUIDES / "plugins.md").read_text("utf-8")


@pytest.mark.parametrize("stage", [each.value for each in Stage])
def test_each_stage_of_refusal_has_its_row(stage: str) -> None:
    assert f"\n| `{stage}` |" in (GUIDES / "plugins.md").read_text("utf-8")


@pytest.mark.parametrize("problem", [each.slug() for each in (*_leaves(PresenceError), *_raised_by(health_errors))])
def test_each_problem_of_the_purchase_is_in_the_pharmacies_guide(problem: str) -> None:
    assert f"`{problem}`" in (GUIDES / "pharmacies.md").read_text("utf-8")


def test_relative_links_of_all_documents_lead_to_files() -> None:
    assert list(_dead(ROOT)) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# There")
    (tmp_path / "guide.md").write_text("[there](there.md#part) [gone](gone.md) [far](https://example.org/)")

    assert list(_dead(tmp_path)) == ["guide.md -> gone.md"]


def _dead(root: Path) -> Iterator[str]:
    for document in sorted(root.rglob("*.md")):
        if SKIPPED & set(document.relative_to(root).parts):
            continue
        for found in LINK.finditer(FENCED.sub("", document.read_text("utf-8"))):
            target = (found[1] or found[2]).partition("#")[0]
            if target and ":" not in target and not (document.parent / target).exists():
                yield f"{document.relative_to(root)} -> {target}"
