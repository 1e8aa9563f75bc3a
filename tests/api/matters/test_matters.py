"""The catalogue: loaded from checked files, read by anyone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.db import now, session
from app.matters import service
from app.matters.models import Matter
from app.registry.declarations import load_matters
from demo import world

CATEGORY = {"code": "test-shelf", "title_zh": "测试", "title_en": "Tests"}
MATTER: dict[str, Any] = {
    "code": "test-permit", "category": "test-shelf", "title_zh": "许可", "title_en": "Permit", "owner": "市局",
    "area": "321300", "statutory_days": 5, "promised_days": 1, "materials": [], "channels": ["app"],
    "source": "unverified",
}  # fmt: skip


def declared(folder: Path, *matters: dict[str, Any], categories: Any = (CATEGORY,)) -> Path:
    path = folder / "matters.yaml"
    path.write_text(yaml.safe_dump({"categories": list(categories), "matters": list(matters)}), "utf-8")
    return path


def codes(answer: Any) -> list[str]:
    return [each["code"] for each in answer.get_json()["items"]]


def test_anyone_reads_a_loaded_matter(client: FlaskClient, tmp_path: Path) -> None:
    service.load(declared(tmp_path, MATTER))

    found = client.get("/api/matters/test-permit").get_json()

    assert {name: found[name] for name in MATTER} == MATTER


def test_the_catalogue_is_paged_by_code_within_a_category(client: FlaskClient, tmp_path: Path) -> None:
    service.load(declared(tmp_path, *({**MATTER, "code": f"test-{letter}aa"} for letter in "cab")))

    first = client.get("/api/matters?category=test-shelf&limit=2")
    second = client.get(f"/api/matters?category=test-shelf&limit=2&cursor={first.get_json()['next_cursor']}")

    assert codes(first) + codes(second) == ["test-aaa", "test-baa", "test-caa"]
    assert second.get_json()["next_cursor"] is None
    assert codes(client.get("/api/matters?category=nothing")) == []


def test_categories_are_listed(client: FlaskClient, tmp_path: Path) -> None:
    service.load(declared(tmp_path))

    assert CATEGORY in client.get("/api/matters/categories").get_json()


def test_an_unknown_matter_is_a_problem_with_a_next_step(client: FlaskClient) -> None:
    answer = client.get("/api/matters/nothing-here", headers={"Accept-Language": "en"})

    assert answer.status_code == 404
    assert answer.get_json()["type"].endswith("/problems/no-such-matter")
    assert answer.get_json()["next_step"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many", "cursor=forged", "category=" + "x" * 41])
def test_arguments_out_of_bounds_are_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/matters?{query}").status_code == 422


def test_loading_again_changes_only_what_differs(work: Any, tmp_path: Path) -> None:
    other = {**MATTER, "code": "test-other"}
    service.load(declared(tmp_path, MATTER, other))
    long_ago = now().replace(year=2020)
    session().execute(update(Matter).values(changed_at=long_ago))

    service.load(declared(tmp_path, {**MATTER, "promised_days": 2}, other))
    session().expire_all()

    assert service.one("test-permit").promised_days == 2
    assert service.one("test-permit").changed_at > long_ago
    assert service.one("test-other").changed_at == long_ago


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "test permit; more"}, {"code": "Test"}, {"area": "999999"}, {"area": 321300}, {"statutory_days": -1},
        {"promised_days": "5"}, {"channels": ["fax"]}, {"changed_at": "2020-01-01"}, {"title_en": ""},
        {"materials": [{"title_zh": "证"}]}, {"invented": 1},
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused_by_name_of_the_file(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(service.BadDeclaration, match=r"^matters\.yaml: "):
        service.read(declared(tmp_path, {**MATTER, **wrong}))


def test_a_code_that_stands_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(service.BadDeclaration, match="test-permit"):
        service.read(declared(tmp_path, MATTER, {**MATTER, "title_en": "Another"}))


@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe", b"- 1"])
def test_a_file_that_is_no_declaration_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "matters.yaml"
    path.write_bytes(content)

    with pytest.raises(service.BadDeclaration):
        service.read(path)


def test_the_demo_worlds_catalogue_is_sound(work: Any) -> None:
    assert service.load(world.FOLDER / "matters.yaml") >= 5


def test_what_a_mounted_plugin_declares_is_in_the_catalogue(client: FlaskClient, app: Flask) -> None:
    assert load_matters(app) >= 1

    found = client.get("/api/matters/health.medicine-on-insurance").get_json()

    assert found["title_en"] == "Buying medicine on medical insurance"
