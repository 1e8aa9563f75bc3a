"""A citizen registers, is matched at once where the register answers, and learns nothing about others."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import UnitOfWork, session, unit_of_work
from identity.accounts.models import Account
from identity.authenticators import guesses
from identity.parties.models import Person
from tests.api.identity import kin, world
from tests.api.identity.registers import Registers

NAME = "江晚"


@pytest.fixture
def form(work: UnitOfWork, registers: Registers) -> dict[str, str]:
    kin.own_pages()
    number = kin.number_of(kin.ADULT)
    registers.born(NAME, number)
    return {
        "login_name": f"new-{secrets.token_hex(5)}", "password": world.PASSWORD, "name": NAME, "resident_id": number,
        "mobile": "15400001234", "area": "321302",
    }  # fmt: skip


def register(client: FlaskClient, form: dict[str, str], **changes: str) -> Any:
    token = world.form_token(client.get("/register").get_data(as_text=True))
    return client.post("/register", data={"csrf_token": token, **form, **changes})


def level(login_name: str) -> int | None:
    with unit_of_work():
        return session().scalar(
            select(Person.proofing_level)
            .join(Account, Account.person_id == Person.id)
            .where(Account.login_name == login_name)
        )


def test_a_new_citizen_is_logged_in_and_matched(client: FlaskClient, form: dict[str, str]) -> None:
    answer = register(client, form)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/proofing")
    assert level(form["login_name"]) == 3
    page = client.get("/account/proofing").get_data(as_text=True)
    assert "姓名号码核验" in page
    assert form["resident_id"] not in page


def test_while_the_register_is_down_one_stays_self_stated(
    client: FlaskClient, form: dict[str, str], registers: Registers
) -> None:
    registers.spoil("population", "down")

    assert register(client, form).status_code == 303
    assert level(form["login_name"]) == 2


def test_whoever_states_a_number_does_not_learn_whose_it_is(client: FlaskClient, form: dict[str, str]) -> None:
    with unit_of_work():
        known = kin.person("苏荷")
    other = client.application.test_client()

    taken = register(client, form, name="骗子", resident_id=known.number)
    fresh = register(other, form, name="骗子", login_name="somebody-else", resident_id=kin.number_of(kin.ADULT))

    assert (taken.status_code, taken.headers["Location"]) == (fresh.status_code, fresh.headers["Location"])
    assert level(form["login_name"]) == level("somebody-else") == 2
    with unit_of_work():
        assert session().get_one(Person, known.id).proofing_level == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resident_id": "329999198503140000"}, "resident_id"),
        ({"resident_id": ""}, "resident_id"),
        ({"mobile": "12345"}, "mobile"),
        ({"mobile": "１５４００００１２３４"}, "mobile"),
        ({"area": "329999"}, "area"),
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"login_name": "x"}, "login_name"),
        ({"login_name": "名字名字"}, "login_name"),
        ({"login_name": "a b c d"}, "login_name"),
    ],
)
def test_what_is_filled_in_wrongly_is_named_and_not_repeated(
    client: FlaskClient, form: dict[str, str], changes: dict[str, str], field: str
) -> None:
    answer = register(client, form, **changes)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'href="#{field}"' in page
    assert form["resident_id"] not in page
    assert world.PASSWORD not in page
    assert level(form["login_name"]) is None


@pytest.mark.parametrize(
    ("changes", "title"),
    [({"password": "12345678"}, "密码太弱"), ({"resident_id": "child"}, "未满十四周岁须由监护人办理")],
)
def test_weak_passwords_and_children_are_refused(
    client: FlaskClient, form: dict[str, str], changes: dict[str, str], title: str
) -> None:
    if changes.get("resident_id") == "child":
        changes = {"resident_id": kin.number_of(kin.born(13))}

    answer = register(client, form, **changes)

    assert title in answer.get_data(as_text=True)
    assert level(form["login_name"]) is None


def test_a_log_in_name_is_given_once(client: FlaskClient, form: dict[str, str]) -> None:
    register(client, form)

    again = register(client.application.test_client(), form, resident_id=kin.number_of(kin.ADULT))

    assert again.status_code == 409


def test_one_source_cannot_register_without_end(client: FlaskClient, form: dict[str, str]) -> None:
    statuses = [register(client, form, mobile="1").status_code for _ in range(guesses.PER_TARGET + 1)]

    assert statuses == [422] * guesses.PER_TARGET + [429]


def test_registration_needs_the_form_we_gave(client: FlaskClient, form: dict[str, str]) -> None:
    assert client.post("/register", data=form).status_code == 403
