"""Undoing at the till, packs that are sold once, and the city's own books beside the insurer's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.api import acting_as, ledger, session, unit_of_work
from demo import world
from plugins.health.models import Settlement, TraceCodeUse
from plugins.health.service import catalogue
from plugins.health.tests.conftest import Simulated
from plugins.health.tests.shop import (
    ORGANISATION,
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

TRACED = world.load().medicines[1]


def _pack(number: int) -> str:
    return f"8{number:019d}"


def _settled(shop: Shop, citizen: str = "zhao") -> dict[str, Any]:
    answer = shop.settle(shop.confirmed(citizen), key=key())
    assert answer.status_code == 201, answer.get_data(as_text=True)
    said: dict[str, Any] = answer.get_json()
    return said


def _undo(shop: Shop, settlement: str, headers: dict[str, str] | None = None) -> Any:
    return shop.client.post(f"/api/health/settlements/{settlement}/undo", headers=headers or shop.headers)


def _books(shop: Shop) -> Counter[str]:
    names = {"hold": "", "pharmacy": ORGANISATION, "fund.employee": ""}
    with shop.city.app_context(), acting_as(PLUGIN), unit_of_work():
        return Counter(
            {code: ledger.balance(ledger.open_account(code, holder=holder, hot=True)) for code, holder in names.items()}
        )


def _moved(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def _sell_traced(shop: Shop, *packs: str) -> dict[str, Any]:
    with shop.city.app_context(), acting_as(PLUGIN), unit_of_work():
        catalogue.publish(
            [
                catalogue.Medicine(
                    code=TRACED.code, name=TRACED.name, spec=TRACED.spec, price_limit_fen=TRACED.price_limit_fen,
                    copay_basis_points=TRACED.copay_basis_points, prescription=TRACED.prescription, traced=True,
                )
            ]
        )  # fmt: skip
    line = {"code": TRACED.code, "quantity": 2, "price_fen": TRACED.price_limit_fen, "trace_codes": list(packs)}
    return {"proof": shop.proof(), "lines": [line]}


def _confirmed(shop: Shop, wanted: dict[str, Any]) -> dict[str, Any]:
    answer = shop.quote(wanted["proof"], lines=wanted["lines"])
    assert answer.status_code == 201, answer.get_data(as_text=True)
    quote: dict[str, Any] = answer.get_json()
    shop._post(f"/api/presence/proofs/{quote['proof']}/confirmations", {"digest": quote["digest"], "method": "tap"},
               shop.headers)  # fmt: skip
    return quote


def test_a_purchase_moves_the_insurers_share_to_the_pharmacy(shop: Shop) -> None:
    before = _books(shop)

    said = _settled(shop)

    assert _moved(before, _books(shop)) == {
        "fund.employee": -said["fund_fen"], "pharmacy": said["fund_fen"] + said["account_fen"],
    }  # fmt: skip


def test_an_undone_purchase_leaves_all_books_as_before(shop: Shop, simulated: Simulated) -> None:
    before = _books(shop)
    said = _settled(shop)

    answer = _undo(shop, said["id"])
    again = _undo(shop, said["id"])

    assert (answer.status_code, answer.get_json()["state"]) == (200, "undone")
    assert (again.status_code, again.get_json()["state"]) == (200, "undone")
    assert _moved(before, _books(shop)) == {}
    assert simulated.rows(f"SELECT state FROM settlement WHERE setl_id = '{said['number']}'") == [("undone",)]


def test_money_is_held_while_the_outcome_is_unknown_and_free_after_a_reversal(
    shop: Shop, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    quote, before = shop.confirmed(), _books(shop)
    simulated.misbehave("lose_request")
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "0")

    first = shop.settle(quote, key=key()).get_json()
    between = _moved(before, _books(shop))
    shop.work_off(first["id"])

    assert between["hold"] == quote["fund_fen"] + quote["account_fen"]
    assert _moved(before, _books(shop)) == {}


def test_a_refused_purchase_holds_nothing(shop: Shop, simulated: Simulated) -> None:
    quote, before = shop.confirmed(), _books(shop)
    simulated.misbehave("refuse", code="FROZEN")

    shop.settle(quote, key=key())

    assert _moved(before, _books(shop)) == {}


def test_a_lost_answer_to_an_undo_is_found_out_by_the_job(shop: Shop, simulated: Simulated) -> None:
    before = _books(shop)
    said = _settled(shop)
    simulated.misbehave("lose_answer", transaction="2103")

    first = _undo(shop, said["id"])
    shop.work_off(said["id"])

    assert (first.status_code, first.get_json()["state"]) == (202, "undoing")
    assert _undo(shop, said["id"]).get_json()["state"] == "undone"
    assert _moved(before, _books(shop)) == {}


@pytest.mark.parametrize("lost_first", [False, True], ids=["at the till", "by the job"])
def test_after_the_clearing_a_sale_stands(shop: Shop, simulated: Simulated, lost_first: bool) -> None:
    said = _settled(shop)
    after_sale = _books(shop)
    if lost_first:
        simulated.misbehave("lose_request", transaction="2103")
        assert _undo(shop, said["id"]).status_code == 202
    simulated.misbehave("refuse", transaction="2103", code="CLEARED")

    if lost_first:
        shop.work_off(said["id"])
    else:
        answer = _undo(shop, said["id"])
        assert (answer.status_code, kind_of(answer)) == (409, "already-cleared")

    assert shop.look(f"/api/health/settlements/{said['id']}").get_json()["state"] == "settled"
    assert _moved(after_sale, _books(shop)) == {}


def test_what_never_settled_cannot_be_undone(shop: Shop, simulated: Simulated) -> None:
    simulated.misbehave("refuse", code="FROZEN")
    refused = shop.settle(shop.confirmed(), key=key())
    with shop.city.app_context(), unit_of_work():
        settlement = session().scalars(select(Settlement.id).where(Settlement.state == "refused")).first()
    assert refused.status_code == 422

    answer = _undo(shop, settlement or "")

    assert (answer.status_code, kind_of(answer)) == (409, "not-undoable")


def test_another_pharmacy_cannot_undo_nor_learn_that_it_exists(shop: Shop, sign_in: SignIn) -> None:
    said = _settled(shop)
    other = till(sign_in, organisation="sub_other")

    theirs, nothing = _undo(shop, said["id"], other), _undo(shop, "settlement_unknown", other)

    assert theirs.status_code == nothing.status_code == 404
    strange = {name: value for name, value in theirs.get_json().items() if name != "request_id"}
    assert strange == {name: value for name, value in nothing.get_json().items() if name != "request_id"}


@pytest.mark.parametrize(
    ("packs", "kind"),
    [((), "trace-code-missing"), ((_pack(1),), "trace-code-missing"), ((_pack(1), _pack(1)), "trace-code-repeated")],
)
def test_every_pack_of_a_traced_medicine_is_scanned_once(shop: Shop, packs: tuple[str, ...], kind: str) -> None:
    wanted = _sell_traced(shop, *packs)

    answer = shop.quote(wanted["proof"], lines=wanted["lines"])

    assert (answer.status_code, kind_of(answer), answer.get_json()["line"]) == (422, kind, 0)


def test_a_pack_is_sold_again_only_after_it_was_returned(shop: Shop) -> None:
    first = shop.settle(_confirmed(shop, _sell_traced(shop, _pack(11), _pack(12))), key=key()).get_json()
    wanted = _sell_traced(shop, _pack(12), _pack(13))

    refused = shop.quote(wanted["proof"], lines=wanted["lines"])
    _undo(shop, first["id"])
    sold = shop.settle(_confirmed(shop, wanted), key=key())

    assert (refused.status_code, kind_of(refused)) == (409, "trace-code-sold")
    assert sold.status_code == 201


def test_a_pack_quoted_twice_is_settled_once(shop: Shop, simulated: Simulated) -> None:
    one = _confirmed(shop, _sell_traced(shop, _pack(21), _pack(22)))
    two = _confirmed(shop, _sell_traced(shop, _pack(22), _pack(23)))
    booked = len(simulated.rows("SELECT 1 FROM settlement"))
    first = shop.settle(one, key=key())

    second = shop.settle(two, key=key())

    assert first.status_code == 201
    assert (second.status_code, kind_of(second)) == (409, "trace-code-sold")
    assert len(simulated.rows("SELECT 1 FROM settlement")) == booked + 1


def test_a_refused_purchase_frees_its_packs(shop: Shop, simulated: Simulated) -> None:
    quote = _confirmed(shop, _sell_traced(shop, _pack(31), _pack(32)))
    simulated.misbehave("refuse", code="FROZEN")
    shop.settle(quote, key=key())

    again = shop.settle(_confirmed(shop, _sell_traced(shop, _pack(31), _pack(32))), key=key())

    assert again.status_code == 201


def test_of_two_tills_that_settle_one_pack_at_once_exactly_one_sells_it(
    clean_city: Flask, simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = real_shop(clean_city, monkeypatch)
    quotes = [_confirmed(shop, _sell_traced(shop, _pack(41), _pack(50 + number))) for number in range(4)]
    booked = len(simulated.rows("SELECT 1 FROM settlement"))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda quote: shop.settle(quote, key=key()), quotes))

    assert Counter(a.status_code for a in answers) == {201: 1, 409: 3}
    assert {kind_of(a) for a in answers if a.status_code == 409} == {"trace-code-sold"}
    assert len(simulated.rows("SELECT 1 FROM settlement")) == booked + 1
    with clean_city.app_context(), unit_of_work():
        assert session().scalar(select(func.count()).where(TraceCodeUse.code == _pack(41))) == 1
    close_insurers(clean_city)
