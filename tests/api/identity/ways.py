"""Steps through the log-in and account pages, as a browser without scripts takes them."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import session, unit_of_work
from app.notices.models import Notice
from app.outbox import OutboxEvent
from identity.authenticators.models import SentCode
from identity.authenticators.sms import codes
from identity.authenticators.sms.simulator import delivered
from tests.api.identity import world
from tests.api.identity.authenticator import Phone

MOBILE = "13800001234"


def text(answer: Any) -> str:
    """Return a page."""
    found: str = answer.get_data(as_text=True)
    return found


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field of the page's own first form."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page.partition("<main")[2])
    assert found, page
    return html.unescape(found[0])


def options(page: str) -> dict[str, Any]:
    """Return the passkey options that a page's form carries."""
    found = re.search(r"data-options='([^']*)'", page)
    assert found is not None, page
    told: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return told


def add_passkey(client: FlaskClient, phone: Phone, **more: Any) -> Any:
    """Register a passkey on the page of a browser that is logged in."""
    page = text(client.get("/account/authenticators"))
    form = {
        "csrf_token": world.form_token(page), "name": "手机", "credential": json.dumps(phone.create(options(page))),
        **more,
    }  # fmt: skip
    return client.post("/account/authenticators/passkeys", data=form)


def by_passkey(client: FlaskClient, phone: Phone, **more: Any) -> Any:
    """Log in by passkey."""
    page = text(client.get("/login"))
    return answer_passkey(client, page, phone.get(options(page)), **more)


def answer_passkey(client: FlaskClient, page: str, credential: Any, **more: Any) -> Any:
    """Post a passkey's answer to a log-in page."""
    said = credential if isinstance(credential, str) else json.dumps(credential)
    return client.post("/login/passkey", data={"csrf_token": world.form_token(page), "credential": said, **more})


def ask_code(client: FlaskClient, login_name: str) -> Any:
    """Ask for a code by text message."""
    page = text(client.get("/login/code"))
    return client.post("/login/code", data={"csrf_token": world.form_token(page), "login_name": login_name})


def give_code(client: FlaskClient, page: str, code: str) -> Any:
    """Type the code of a message."""
    form = {"csrf_token": world.form_token(page), "code_id": hidden(page, "code_id"), "code": code}
    return client.post("/login/code/check", data=form)


def carry(code_id: str) -> str:
    """Let the job send a code's message and return the code that arrives at the mobile."""
    with unit_of_work():
        codes.send(code_id)
    with unit_of_work(read_only=True):
        found = re.search(r"\d{6}", delivered(MOBILE)[0])
    assert found is not None
    return found.group()


def queued(job: str) -> int:
    """Return how many jobs of a name wait."""
    return len(session().scalars(select(OutboxEvent).where(OutboxEvent.job == job)).all())


def sent(code_id: str) -> SentCode:
    """Return a code's row as it is now."""
    return session().get_one(SentCode, code_id, populate_existing=True)


def level(client: FlaskClient) -> int:
    """Return the level of a browser's session, by what the city's own pages are told."""
    told = client.get("/api/identity/me")
    assert told.status_code == 200, text(told)
    found: int = told.json["authentication_level"]
    return found


def told(party: str) -> list[str]:
    """Return the kinds of notices a person got, newest first."""
    with unit_of_work(read_only=True):
        return list(session().scalars(select(Notice.kind).where(Notice.party == party).order_by(Notice.id.desc())))


def messages() -> list[str]:
    """Return what arrived at the test mobile, newest first."""
    with unit_of_work(read_only=True):
        return delivered(MOBILE)
