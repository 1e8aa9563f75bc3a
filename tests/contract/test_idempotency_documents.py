"""Every route that takes an Idempotency-Key says so in its document, and no other does."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.guards import public
from app.idempotency import HEADER, Need, idempotent, idempotent_when_asked, key_of_request, keyed, need_of

DOCUMENTS = ("/openapi.json", "/docs/health/openapi.json")


def _taking(app: Flask) -> dict[tuple[str, str], Need]:
    """Return the routes whose views take a key, by their own declaration."""
    found = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            need = need_of(app.view_functions[rule.endpoint], method)
            if need is not None:
                found[method, _path(rule.rule)] = need
    return found


def _path(rule: str) -> str:
    return rule.replace("<", "{").replace(">", "}")


def _documented(app: Flask) -> dict[tuple[str, str], Need]:
    found = {}
    for document in _documents(app):
        for path, item in document["paths"].items():
            for method, operation in item.items():
                for parameter in _headers(operation, document):
                    need = Need.REQUIRED if parameter.get("required") else Need.OPTIONAL
                    found[method.upper(), path] = need
    return found


def _documents(app: Flask) -> Iterator[Any]:
    client = app.test_client()
    for address in DOCUMENTS:
        answer = client.get(address)
        assert answer.status_code == 200, address
        yield answer.get_json()


def _headers(operation: Any, document: Any) -> Iterator[Any]:
    if not isinstance(operation, dict):
        return
    for parameter in operation.get("parameters", []):
        if parameter.get("name") == HEADER:
            assert parameter["in"] == "header"
            assert parameter["schema"] == {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
            yield parameter


def test_the_documents_name_the_header_of_exactly_the_routes_that_take_it(app: Flask) -> None:
    taking = _taking(app)

    assert taking["POST", "/api/health/settlements"] is Need.REQUIRED
    assert taking["POST", "/api/presence/sessions"] is Need.OPTIONAL
    assert _documented(app) == taking


def test_every_view_that_reads_a_key_declares_it(app: Flask) -> None:
    """`key_of_request` in the text of a view without a declaration would fail at its first call only."""
    undeclared = [
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if need_of(app.view_functions[rule.endpoint], method) is None
        and _calls_for_a_key(app.view_functions[rule.endpoint], method)
    ]

    assert undeclared == []


def _calls_for_a_key(view: Any, method: str) -> bool:
    target = getattr(view, "view_class", None)
    handler = getattr(target, method.lower(), None) if target is not None else view
    try:
        text = textwrap.dedent(inspect.getsource(inspect.unwrap(handler)))
    except (OSError, TypeError):
        return False
    return any(isinstance(node, ast.Name) and node.id == key_of_request.__name__ for node in ast.walk(ast.parse(text)))


def test_a_view_that_reads_a_key_undeclared_is_told_so(app: Flask) -> None:
    city = Flask("undeclared")
    city.add_url_rule("/bare", "bare", public(because="test")(key_of_request), methods=["POST"])

    with city.test_request_context("/bare", method="POST", headers={HEADER: "one"}), pytest.raises(RuntimeError):
        key_of_request()


@pytest.mark.parametrize(
    ("declare", "need"),
    [(keyed, Need.REQUIRED), (idempotent, Need.REQUIRED), (idempotent_when_asked, Need.OPTIONAL)],
)
def test_a_declaration_is_seen_through_the_guard(declare: Any, need: Need) -> None:
    def view() -> str:
        return "done"

    assert need_of(public(because="test")(declare(view)), "POST") is need
