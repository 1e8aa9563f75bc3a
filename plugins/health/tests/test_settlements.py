"""The whole purchase over HTTP, against the real simulator process."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.api import Kind, acting_as, session, unit_of_work
from demo import world
from plugins.health.models import InsurerMessage, Settlement
from plugins.health.service import catalogue
from plugins.health.tests.conftest import Simulated
from plugins.health.tests.shop import (
    MEDICINE,
    PLUGIN,
    Shop,
    SignIn,
    city,
    close_insurers,
    key,
    kind_of,
    real_shop,
    shop,
    till,
)  # fmt: skip

__all__ = ["city", "shop"]


def test_a_purchase_is_quoted_confirmed_settled_and_answered_again(shop: Shop) -> None:
    quote, sent = shop.confirmed(), key()

    first = shop.settle(quote, key=sent)
    again = shop.settle(quote, key=sent)

    assert first.status_code == 201, first.get_data(as_text=True)
    receipt = first.get_json()
    assert receipt["state"] == "settled"
    assert receipt["number"].startswith("SETL")
    assert receipt["fund_fen"] + receipt["account_fen"] + receipt["cash_fen"] == receipt["total_fen"]
    assert (again.status_code, again.get_json()) == (201, receipt)
    assert shop.look(f"/api/health/settlements?key={sent}").get_json() == receipt
    assert shop.look(first.headers["Location"]).get_json() == receipt


def test_no_answer_names_the_customer(shop: Shop) -> None:
    citizen = world.load().citizen("zhao")
    proof = shop.proof()

    eligible = shop.client.post("/api/health/eligibility", json={"proof": proof}, headers=shop.headers)
    quote = shop.quote(proof)

    assert eligible.get_json() == {"eligible": True, "scheme": "employee"}
    for said in (eligible.get_data(as_text=True), quote.get_data(as_text=True)):
        assert citizen.name not in said
        assert citizen.resident_id not in said


def test_the_same_key_with_another_body_or_from_another_pharmacy_is_refused(shop: Shop, sign_in: SignIn) -> None:
    quote, other, sent = shop.confirmed(), shop.confirmed(), key()
    shop.settle(quote, key=sent)

    another_body = shop.settle(other, key=sent)
    another_shop = shop.settle(quote, key=sent, headers=till(sign_in, organisation="sub_other"))

    assert (another_body.status_code, kind_of(another_body)) == (409, "key-used")
    assert (another_shop.status_code, kind_of(another_shop)) == (409, "key-used")


def test_a_quote_settles_once_under_whatever_key(shop: Shop, simulated: Simulated) -> None:
    quote = shop.confirmed()
    booked = len(simulated.rows("SELECT 1 FROM settlement"))
    shop.settle(quote, key=key())

    answer = shop.settle(quote, key=key())

    assert (answer.status_code, kind_of(answer)) == (409, "already-settling")
    assert len(simulated.rows("SELECT 1 FROM settlement")) == booked + 1


def test_a_key_is_needed(shop: Shop) -> None:
    assert kind_of(shop.settle(shop.confirmed(), key=" ")) == "idempotency-key-missing"


def test_nothing_is_settled_that_the_customer_did_not_confirm(shop: Shop, simulated: Simulated) -> None:
    quote = shop.quote(shop.proof()).get_json()
    booked = simulated.rows("SELECT count(*) FROM settlement")

    answer = shop.settle(quote, key=key())

    assert (answer.status_code, kind_of(answer)) == (409, "not-confirmed")
    assert simulated.rows("SELECT count(*) FROM settlement") == booked


def test_a_proof_of_another_terminal_is_foreign(shop: Shop, sign_in: SignIn) -> None:
    answer = shop.quote(shop.proof(headers=till(sign_in, actor="terminal_other", terminal="terminal_other")))

    assert (answer.status_code, kind_of(answer)) == (403, "proof-foreign")


def test_an_expired_quote_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    quote = shop.confirmed()
    from plugins.health.service import quotes

    later = quotes.now() + quotes.VALID_FOR
    monkeypatch.setattr(quotes, "now", lambda: later)
    answer = shop.settle(quote, key=key())

    assert (answer.status_code, kind_of(answer)) == (409, "quote-expired")


def test_a_line_over_its_price_limit_is_named_with_the_limit(shop: Shop) -> None:
    good = {"code": MEDICINE.code, "quantity": 1, "price_fen": MEDICINE.price_limit_fen}
    dear = {**good, "price_fen": MEDICINE.price_limit_fen + 1}

    answer = shop.quote(shop.proof(), lines=[good, dear])

    assert (answer.status_code, kind_of(answer)) == (422, "over-price-limit")
    said = answer.get_json()
    assert (said["line"], said["limit_fen"]) == (1, MEDICINE.price_limit_fen)


def test_a_medicine_outside_the_catalogue_is_named(shop: Shop) -> None:
    answer = shop.quote(shop.proof(), lines=[{"code": "XNOTHING01", "quantity": 1, "price_fen": 100}])

    assert (answer.status_code, kind_of(answer)) == (422, "not-on-catalogue")
    assert answer.get_json()["line"] == 0


@pytest.mark.parametrize(
    "change",
    [{"quantity": 0}, {"quantity": 1.5}, {"price_fen": "100"}, {"price_fen": 1.0}, {"price_fen": -1},
     {"price_fen": True}, {"trace_codes": ["١" * 20]}, {"code": "x"}],
)  # fmt: skip
def test_what_only_looks_like_a_line_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    line = {"code": MEDICINE.code, "quantity": 1, "price_fen": 100, **change}

    assert shop.quote(shop.proof(), lines=[line]).status_code == 422


@pytest.mark.parametrize(
    ("state", "kind"), [("arrears", "in-arrears"), ("suspended", "frozen"), ("terminated", "not-enrolled")]
)
def test_a_customer_whom_the_insurance_does_not_pay_for_gets_the_reason(shop: Shop, state: str, kind: str) -> None:
    citizen = next(each.key for each in world.load().citizens if each.insurance.state == state)

    answer = shop.client.post("/api/health/eligibility", json={"proof": shop.proof(citizen)}, headers=shop.headers)

    assert (answer.status_code, kind_of(answer)) == (422, kind)
    assert answer.get_json()["next_step"]


def test_an_organisation_that_is_not_designated_may_not_ask(shop: Shop, sign_in: SignIn) -> None:
    answer = shop.client.post(
        "/api/health/eligibility", json={"proof": shop.proof()}, headers=till(sign_in, organisation="sub_nobody")
    )

    assert (answer.status_code, kind_of(answer)) == (403, "not-designated")


def test_a_refusal_of_the_insurer_is_answered_the_same_for_ever(shop: Shop, simulated: Simulated) -> None:
    quote, sent = shop.confirmed(), key()
    simulated.misbehave("refuse", code="FROZEN")

    first, again = shop.settle(quote, key=sent), shop.settle(quote, key=sent)

    assert [(a.status_code, kind_of(a)) for a in (first, again)] == [(422, "frozen")] * 2


def test_a_lost_answer_is_unknown_until_the_job_has_asked(shop: Shop, simulated: Simulated) -> None:
    quote, sent = shop.confirmed(), key()
    simulated.misbehave("lose_answer")

    first = shop.settle(quote, key=sent)
    shop.work_off(first.get_json()["id"])
    final = shop.settle(quote, key=sent)

    assert (first.status_code, first.get_json()["state"]) == (202, "unknown")
    assert first.headers["Retry-After"]
    assert (final.status_code, final.get_json()["state"]) == (201, "settled")
    assert shop.look(first.headers["Location"]).get_json() == final.get_json()


def test_a_late_answer_is_final_later(shop: Shop, simulated: Simulated) -> None:
    quote, sent = shop.confirmed(), key()
    simulated.misbehave("late_answer", seconds=1.2)

    first = shop.settle(quote, key=sent)
    shop.work_off(first.get_json()["id"])

    assert first.status_code == 202
    assert shop.settle(quote, key=sent).status_code == 201


def test_a_lost_request_is_reversed_but_never_before_its_deadline(
    shop: Shop, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    quote, sent = shop.confirmed(), key()
    simulated.misbehave("lose_request")
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "60")

    first = shop.settle(quote, key=sent)
    shop.work_off(first.get_json()["id"])
    early = shop.look(first.headers["Location"]).get_json()
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "0")
    shop.work_off(first.get_json()["id"])
    final = shop.settle(quote, key=sent)

    assert early["state"] == "unknown"
    assert (final.status_code, kind_of(final)) == (409, "no-answer")


def test_a_lost_reversal_is_sent_again_until_it_is_definite(
    shop: Shop, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    quote, sent = shop.confirmed(), key()
    simulated.misbehave("lose_request")
    simulated.misbehave("lose_answer", transaction="2601")
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "0")

    first = shop.settle(quote, key=sent).get_json()
    shop.work_off(first["id"])
    between = shop.look(f"/api/health/settlements/{first['id']}").get_json()
    shop.work_off(first["id"])

    assert between["state"] == "reversing"
    assert shop.look(f"/api/health/settlements/{first['id']}").get_json()["state"] == "reversed"


def test_a_split_other_than_the_confirmed_one_is_undone(shop: Shop, simulated: Simulated) -> None:
    quote, rival = shop.confirmed("qian"), shop.confirmed("qian")
    if rival["account_fen"] == 0:
        pytest.skip("this citizen has no personal account")
    import psycopg

    with psycopg.connect(simulated.database) as books:
        before = books.execute("SELECT psn_no, balance FROM insured WHERE name = '钱初'").fetchone()
        assert before is not None
        books.execute("UPDATE insured SET balance = 1 WHERE psn_no = %s", (before[0],))
    try:
        first = shop.settle(quote, key=(sent := key()))
        shop.work_off(first.get_json()["id"])
        final = shop.settle(quote, key=sent)
        left = simulated.rows("SELECT balance FROM insured WHERE name = '钱初'")
    finally:
        with psycopg.connect(simulated.database) as books:
            books.execute("UPDATE insured SET balance = %s WHERE psn_no = %s", (before[1], before[0]))

    assert (first.status_code, first.get_json()["state"]) == (202, "undoing")
    assert (final.status_code, kind_of(final)) == (409, "split-changed")
    assert left == [(1,)]


def test_every_message_was_written_down_before_it_left(shop: Shop, simulated: Simulated) -> None:
    quote = shop.confirmed()
    simulated.misbehave("lose_answer")

    settlement = shop.settle(quote, key=key()).get_json()["id"]

    with shop.city.app_context(), unit_of_work():
        message = session().scalars(select(InsurerMessage).where(InsurerMessage.settlement_id == settlement)).one()
    assert (message.transaction, message.state) == ("2102", "unknown")
    assert simulated.rows(f"SELECT infno FROM message WHERE msgid = '{message.id}'") == [("2102",)]


# httpcore leaves a unix socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_unreachable_insurer_charges_nothing_and_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    quote = shop.confirmed()
    for each in shop.city.extensions.pop("health.insurers").values():
        each.close()
    monkeypatch.setenv("SUXIN_HEALTH_INSURER_SOCKET", "/nonexistent/insurer.sock")

    answer = shop.settle(quote, key=key())
    gc.collect()

    assert (answer.status_code, kind_of(answer)) == (503, "settlement-not-sent")


def test_a_citizen_sees_her_own_purchases_only(shop: Shop, sign_in: SignIn) -> None:
    shop.settle(shop.confirmed("zhao"), key=key())
    shop.settle(shop.confirmed("lin"), key=key())
    proof = shop.proof("zhao")
    with shop.city.app_context(), acting_as(PLUGIN), unit_of_work():
        zhao = shop.subject(proof)
    mine = sign_in(kind=Kind.CITIZEN, actor=zhao, subject=zhao, audience="health", scopes=("health:read",))

    found = shop.client.get("/api/health/me/settlements", headers=mine).get_json()["items"]

    assert len(found) == 1
    assert found[0]["state"] == "settled"


def test_another_pharmacy_sees_nothing(shop: Shop, sign_in: SignIn) -> None:
    settled = shop.settle(shop.confirmed(), key=key()).get_json()

    answer = shop.client.get(
        f"/api/health/settlements/{settled['id']}", headers=till(sign_in, organisation="sub_other")
    )

    assert answer.status_code == 404


def test_medicines_are_found_by_part_of_a_name_page_by_page(shop: Shop) -> None:
    found = shop.look(f"/api/health/medicines?q={MEDICINE.name[2:5]}").get_json()["items"]
    first = shop.look("/api/health/medicines?limit=2").get_json()
    second = shop.look(f"/api/health/medicines?limit=2&cursor={first['next_cursor']}").get_json()

    assert MEDICINE.code in {each["code"] for each in found}
    assert len(first["items"]) == len(second["items"]) == 2
    assert first["items"][-1]["code"] < second["items"][0]["code"]


def test_a_changed_medicine_gets_a_new_version(shop: Shop) -> None:
    with shop.city.app_context(), unit_of_work():
        held = catalogue.current([MEDICINE.code])[MEDICINE.code]
        dearer = replace(catalogue._terms(held), price_limit_fen=held.price_limit_fen + 100)
        assert catalogue.publish([dearer]) == 1
        assert catalogue.publish([dearer]) == 0
        assert catalogue.current([MEDICINE.code])[MEDICINE.code].version == held.version + 1


def test_of_many_parallel_settlements_with_one_proof_exactly_one_happens(
    clean_city: Flask, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = real_shop(clean_city, monkeypatch)
    quote, booked = shop.confirmed(), len(simulated.rows("SELECT 1 FROM settlement"))
    same = key()
    keys = [same] * 4 + [key() for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: shop.settle(quote, key=each), keys))

    effects = [a for a in answers if a.status_code in (201, 202)]
    assert len({a.get_json()["id"] for a in effects}) == 1
    assert {kind_of(a) for a in answers if a not in effects} <= {"already-settling", "plugin-busy", "unavailable"}
    assert len(simulated.rows("SELECT 1 FROM settlement")) == booked + 1
    with clean_city.app_context(), unit_of_work():
        assert session().scalar(select(func.count()).select_from(Settlement)) == 1
    close_insurers(clean_city)
