"""A card proves its owner by PIN or by the owner's code; nothing tells an unknown number from a wrong PIN."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import session, unit_of_work
from app.presence import limits
from app.presence.models import PresenceProof
from app.principal import Kind
from identity.cards import provider, service
from identity.cards.errors import CardKnown, WeakPin
from tests.api.presence.builders import RESIDENT_ID, Terminal, citizen, terminal

NUMBER, PIN = "32130011223344", "273916"


@pytest.fixture
def owner(work):
    person = citizen()
    service.set_pin(service.issue_to(person.id, number=NUMBER).id, PIN, person=person.id)
    return person


def show(client, counter: Terminal, number: str = NUMBER, **secret: str) -> Any:
    opened = counter.open(client)
    body = {"method": "card", "claim": {"card_number": number}, **secret}
    return client.post(f"/api/presence/sessions/{opened['id']}/evidence", json=body, headers=counter.headers)


def test_number_and_pin_prove_the_owner(counter, owner, client) -> None:
    said = show(client, counter, pin=PIN).get_json()

    assert (said["decision"], said["proof"]["level"]) == ("matched", "card_pin")
    assert said["alternatives"] == ["face", "code", "staff"]
    with unit_of_work():
        assert session().get(PresenceProof, said["proof"]["id"]).party == owner.id


def test_the_owners_code_serves_instead_of_a_pin_and_anothers_does_not(counter, owner, client, sign_in) -> None:
    def code_of(person: str) -> str:
        phone = sign_in(kind=Kind.CITIZEN, party=person, scopes=["presence:code"])
        return str(client.post("/api/presence/codes", headers=phone).get_json()["code"])

    with unit_of_work():
        stranger = citizen(resident_id="329999197603090080").id

    assert show(client, counter, code=code_of(stranger)).get_json()["reason"] == "card_wrong"
    assert show(client, counter, code=code_of(owner.id)).get_json()["proof"]["level"] == "card_code"


def test_unknown_number_wrong_pin_and_blocked_card_answer_alike(counter, owner, client, monkeypatch) -> None:
    judged: list[str] = []
    real = service.pin_fits
    monkeypatch.setattr(provider.service, "pin_fits", lambda kept, pin: judged.append(kept[:10]) or real(kept, pin))
    answers = [show(client, counter, pin="918273"), show(client, counter, number="99999999999", pin=PIN)]
    with unit_of_work():
        service.block(service.cards_of(owner.id)[0].id, person=owner.id)
    answers.append(show(client, counter, pin=PIN))

    bodies = [{**answer.get_json(), "session": ""} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["reason"] == "card_wrong"
    assert len(judged) == 3


def test_a_card_without_a_pin_takes_no_pin(counter, client, work) -> None:
    service.issue_to(citizen().id, number=NUMBER)
    work.commit()

    assert show(client, counter, pin="000000").get_json()["decision"] == "not_matched"


def test_guesses_at_a_card_end_at_that_terminal_only(counter, pharmacy, owner, client, sign_in) -> None:
    for _ in range(limits.PER_CARD):
        assert show(client, counter, pin="111222").get_json()["decision"] == "not_matched"

    stopped = show(client, counter, pin=PIN)
    elsewhere = show(client, terminal(pharmacy, sign_in), pin=PIN)

    assert (stopped.status_code, stopped.get_json()["type"].rpartition("/")[2]) == (429, "too-many-guesses")
    assert elsewhere.get_json()["decision"] == "matched"


@pytest.mark.parametrize(
    "body",
    [
        {"claim": {"card_number": NUMBER}},
        {"claim": {"card_number": NUMBER}, "pin": PIN, "code": "12345678"},
        {"claim": {"resident_id": RESIDENT_ID}, "pin": PIN},
        {"claim": {"card_number": "1"}, "pin": PIN},
        {"claim": {"card_number": NUMBER}, "pin": "12345"},
        {"pin": PIN},
    ],
    ids=["no secret", "two secrets", "other claim", "short number", "short pin", "no claim"],
)
def test_evidence_of_another_shape_is_refused(counter, client, body) -> None:
    opened = counter.open(client)
    answer = client.post(
        f"/api/presence/sessions/{opened['id']}/evidence", json={"method": "card", **body}, headers=counter.headers
    )

    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (422, "invalid-request")


@pytest.mark.parametrize("pin", ["111111", "121212", "123456", "654321"])
def test_easy_pins_are_refused(owner, pin) -> None:
    with pytest.raises(WeakPin):
        service.set_pin(service.cards_of(owner.id)[0].id, pin, person=owner.id)


def test_a_number_is_entered_once_even_after_it_was_blocked(owner) -> None:
    service.block(service.cards_of(owner.id)[0].id, person=owner.id)

    with pytest.raises(CardKnown):
        service.issue_to(owner.id, number=NUMBER)


def test_cards_are_entered_at_the_window_and_managed_by_their_owner(owner, client, sign_in) -> None:
    window = sign_in(kind=Kind.OFFICIAL, actor="official_1", scopes=["identity:cards-issue"], authentication_level=2)
    phone = sign_in(kind=Kind.CITIZEN, party=owner.id, scopes=["identity:cards"])
    form = {"resident_id": RESIDENT_ID, "number": "3213009988776655"}

    made = client.post("/api/identity/cards", json=form, headers=window)
    set_pin = client.put(f"/api/identity/cards/{made.get_json()['id']}/pin", json={"pin": PIN}, headers=phone)
    listed = client.get("/api/identity/cards", headers=phone).get_json()
    blocked = client.delete(f"/api/identity/cards/{made.get_json()['id']}", headers=phone)

    assert (made.status_code, set_pin.status_code, blocked.status_code) == (201, 204, 204)
    assert [(card["number_tail"], card["has_pin"]) for card in listed] == [("3344", True), ("6655", True)]


def test_anothers_card_is_neither_given_a_pin_nor_blocked(owner, client, sign_in) -> None:
    with unit_of_work():
        stranger = citizen(resident_id="329999197603090080").id
        card = service.cards_of(owner.id)[0].id
    phone = sign_in(kind=Kind.CITIZEN, party=stranger, scopes=["identity:cards"])

    assert client.put(f"/api/identity/cards/{card}/pin", json={"pin": PIN}, headers=phone).status_code == 404
    assert client.delete(f"/api/identity/cards/{card}", headers=phone).status_code == 404
