"""A simulated province beside the test's city, and a browser that goes through it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient

from app import crypto
from app.db import add
from app.identifiers import ResidentId
from identity.accounts.service import open_account
from identity.authenticators.password import set_password
from identity.federation.simulator.faults import Faults
from identity.federation.simulator.protocol import Province
from identity.federation.simulator.server import Public, in_background
from identity.federation.simulator.world import Known, World
from identity.parties.models import Person
from tests.api.identity import world
from tests.api.identity.world import Citizen

NUMBER, OTHER_NUMBER = "321302199003077428", "321302198511046414"
KEY, RIVAL = "province", "nation"


def numbered(stem: str) -> str:
    """Return a stem of 17 digits with its check digit."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return stem + "10X98765432"[sum(int(a) * b for a, b in zip(stem, weights, strict=True)) % 11]


CHEN, LI = numbered("32130219900307742"), numbered("32130219851104641")


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Province, Province]]:
    """Serve two providers, and register both with the city."""
    people = {
        "chen": Known(key="chen", name="陈晓燕", resident_id=CHEN),
        "li": Known(key="li", name="李明", resident_id=LI),
        "namesake": Known(key="namesake", name="陈晓燕", resident_id=numbered("32130219900307743")),
    }
    servers = [Public(World(people, hosts=("city.test",)), Faults()) for _ in range(2)]
    for each in servers:
        in_background(each)
    (folder / "secret").write_text("demo-province-secret\n")
    listed = [
        {
            "key": key, "title_zh": "省账号", "title_en": "the province", "issuer": each.province.issuer,
            "client_id": "suxin-city", "client_secret_file": "secret",
        }
        for key, each in zip((KEY, RIVAL), servers, strict=True)
    ]  # fmt: skip
    (folder / "providers.json").write_text(json.dumps(listed))
    monkeypatch.setenv("SUXIN_IDENTITY_PROVIDERS_FILE", str(folder / "providers.json"))
    try:
        yield servers[0].province, servers[1].province
    finally:
        for each in servers:
            each.shutdown()
            each.server_close()


def citizen(number: str, *, level: int = 4, name: str = "陈晓燕") -> Citizen:
    """Register a citizen of an ID number, proven to a level."""
    plain = ResidentId.parse(number, demo=True).reveal()
    made = world.new_citizen(name)
    from app.db import session

    person = session().get_one(Person, made.person_id)
    person.resident_id_index, person.proofing_level = crypto.blind_index(plain, purpose="resident-id"), level
    session().flush()
    return made


def second_account(person: Citizen) -> Citizen:
    """Open another account of the same person."""
    account = open_account(login_name=f"second-{person.person_id[-8:]}", person_id=person.person_id)
    set_password(account, world.PASSWORD)
    add(account)
    return Citizen(person.person_id, account.id, account.login_name)


def begin(client: FlaskClient, key: str = KEY, return_to: str = "/") -> dict[str, str]:
    """Start at the city; returns what the provider is asked, and where."""
    away = client.get(f"/login/with/{key}", query_string={"return_to": return_to})
    assert away.status_code == 303, away.get_data(as_text=True)
    return dict(parse_qsl(urlsplit(away.headers["Location"]).query)) | {"at": away.headers["Location"].split("?")[0]}


def say(asked: dict[str, str], person: str = "chen") -> dict[str, str]:
    """Say at the provider who one is; returns the answer that the browser carries back."""
    with httpx.Client(trust_env=False) as http:
        back = http.post(asked["at"], data={**asked, "person": person})
    assert back.status_code == 303, back.text
    return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


def come_back(client: FlaskClient, answer: dict[str, str], key: str = KEY) -> Any:
    """Carry an answer back to the city."""
    return client.get(f"/login/with/{key}/callback", query_string=answer)


def logged_in(client: FlaskClient) -> str | None:
    """Return the session cookie of this browser."""
    held = client.get_cookie("suxin-session")
    return None if held is None else held.value
