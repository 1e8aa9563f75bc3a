"""How many SQL statements a log-in and a refresh cost; transaction control is not counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy import event

from benchmarks.identity import ours
from benchmarks.identity.flows import PLAIN, REDIRECT, SECRET, VERIFIER
from benchmarks.report import Finding, Part
from benchmarks.world import World


def measure(whole: Part, world: World) -> None:
    """Count the statements of a password log-in's one POST and of a rotating refresh, once caches are warm."""
    from demo import world as demo

    person = demo.load().citizens[0]
    with ours.city(world) as app, _counted() as seen:
        people = _one_person(person.key)
        client = app.test_client()
        for _ in range(2):
            page = client.get("/login").get_data(as_text=True)
            fields = {"login_name": person.key, "password": person.password, "csrf_token": _field(page, "csrf_token")}
            seen.clear()
            answer = client.post("/login", data=fields | {"return_to": "/"})
            log_in = list(seen)
            assert answer.status_code == 303, answer.get_data(as_text=True)
            client.delete_cookie("suxin-session")
        token = _exchanged(client, ours.prepare(world, PLAIN, people, number=1)[0])
        for _ in range(2):
            seen.clear()
            token = _post(client, {"grant_type": "refresh_token", "refresh_token": token})["refresh_token"]
        refresh = list(seen)
    whole.findings.append(Finding("password log-in: SQL statements", len(log_in), 8, "statements", at_most=True))
    whole.findings.append(Finding("refresh with rotation: SQL statements", len(refresh), 3, "statements", at_most=True))
    whole.rows.append({"variant": "statements of a log-in", "statements": log_in})
    whole.rows.append({"variant": "statements of a refresh", "statements": refresh})


@contextmanager
def _counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(" ".join(statement.split())[:160])

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


def _one_person(key: str) -> list[tuple[str, str]]:
    from app.db import session, unit_of_work
    from identity.accounts.models import Account

    with unit_of_work(read_only=True):
        row = session().execute(sa.select(Account.id, Account.person_id).where(Account.login_name == key)).one()
    return [(row.id, row.person_id)]


def _exchanged(client: Any, code: str) -> str:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    token: str = _post(client, form)["refresh_token"]
    return token


def _post(client: Any, form: dict[str, str]) -> dict[str, str]:
    answer = client.post(
        "/oauth2/token", data=urlencode(form), content_type="application/x-www-form-urlencoded", auth=(PLAIN, SECRET)
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, str] = answer.json
    return found


def _field(page: str, name: str) -> str:
    return page.split(f'name="{name}" value="')[1].split('"', maxsplit=1)[0]
