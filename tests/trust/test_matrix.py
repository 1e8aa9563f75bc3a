"""100 % of routes by 100 % of actors: who is not declared does not pass, and who is declared does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import guards
from app.guards import Kind
from tests.trust import matrix

SignIn = Callable[..., dict[str, str]]


def _wrong_cells(app: Flask, client: FlaskClient, sign_in: SignIn) -> tuple[int, list[str]]:
    tried, wrong = 0, []
    for route in matrix.routes(app):
        for actor in matrix.actors(route):
            tried += 1
            passed = matrix.admitted(client, route, actor, sign_in)
            if actor.admitted not in (None, passed):
                wrong.append(f"{route}: {actor.name} {'passed' if passed else 'was refused'}")
    return tried, wrong


def test_every_route_admits_whom_it_declares_and_nobody_else(
    app: Flask, client: FlaskClient, sign_in: SignIn, record_property: Any
) -> None:
    tried, wrong = _wrong_cells(app, client, sign_in)

    record_property("cells", tried)
    assert wrong == []
    assert tried >= 7 * len(matrix.routes(app))


def test_every_public_route_says_why(app: Flask) -> None:
    silent = [str(each) for each in matrix.routes(app) if each.access.public_because == ""]

    assert silent == []


def _admit_everyone(access: guards.Access, who: guards.Principal) -> None:
    return


def _forget_kinds(access: guards.Access, who: guards.Principal) -> None:
    _REAL_CHECK(guards.Access(scopes=access.scopes, proofing_level=access.proofing_level), who)


def _any_scope_will_do(access: guards.Access, who: guards.Principal) -> None:
    scopes = tuple(scope for scope in access.scopes if scope in who.scopes)
    _REAL_CHECK(guards.Access(scopes=scopes, kinds=access.kinds), who)


_REAL_CHECK = guards.check


@pytest.mark.parametrize("broken", [_admit_everyone, _forget_kinds, _any_scope_will_do])
def test_control_a_guard_with_a_hole_is_found(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    monkeypatch.setattr(guards, "check", broken)

    _, wrong = _wrong_cells(app, client, sign_in)

    assert wrong
    assert all(each.endswith("passed") for each in wrong)


def test_control_a_guard_that_refuses_the_rightful_is_found(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_terminals(access: guards.Access, who: guards.Principal) -> None:
        if who.kind is Kind.TERMINAL:
            raise guards.InsufficientScope
        _REAL_CHECK(access, who)

    monkeypatch.setattr(guards, "check", refuse_terminals)

    _, wrong = _wrong_cells(app, client, sign_in)

    assert any(each.endswith("a full terminal was refused") for each in wrong)
