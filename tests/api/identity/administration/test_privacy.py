"""A person's say over their own data: consents, export once, erasure that leaves nothing to open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app import crypto
from app.audit import AuditLeaf
from app.crypto import CannotOpen
from app.db import UnitOfWork, add, now, session, unit_of_work
from app.db import work as open_work
from app.errors import DomainError, NotFound
from app.guards import access_of
from app.notices.models import Notice
from app.outbox import OutboxEvent
from app.principal import SYSTEM, acting_as
from app.privacy import PersonalData, personal_data
from app.text import Text
from app.worker import run_events
from demo import world
from identity.accounts.service import open_account
from identity.authenticators.password import set_password
from identity.oidc.models import Client
from identity.parties.models import Person
from identity.parties.service import register_person
from identity.privacy import consents, erasure, exports
from identity.privacy.models import DataExport, ErasureRequest
from tests.api.identity.offices import browser_of, cookies
from tests.api.identity.world import (
    PASSWORD,
    Citizen,
    citizen_tokens,
    log_in,
    new_citizen,
    new_client,
    new_terminal,
    terminal_token,
)

ME = "/api/identity/me"
CALLERS = 8


def _own_pages() -> None:
    access = {"suxin": ["openid", "profile", "identity:privacy"]}
    add(Client(id="suxin-web", title_zh="宿心办网页", title_en="Own pages", redirect_uris=[], access=access))


def _registered(number: int = 0) -> tuple[Citizen, world.Citizen]:
    who = world.load().citizens[number]
    person = register_person(
        name=who.name, resident_id=who.resident_id, mobile=who.mobile, area="321302", source="test", method="test",
        level=4, demo_key=who.key,
    )  # fmt: skip
    account = open_account(login_name=f"login-of-{who.key}", person_id=person.id)
    set_password(account, PASSWORD)
    return Citizen(person.id, account.id, account.login_name), who


def _browser_of(citizen: Citizen, level: int = 2) -> dict[str, str]:
    if session().get(Client, "suxin-web") is None:
        _own_pages()
    return cookies(browser_of(citizen, level=level)[0])


# Who may call.


def test_privacy_routes_are_the_citizens_own(app: Flask, browser: FlaskClient, work: UnitOfWork) -> None:
    terminal = {"Authorization": f"Bearer {terminal_token(app.test_client(), new_terminal())}"}
    routes = [
        (method, rule.rule.replace("<client_id>", "x").replace("<export_id>", "x"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("identity_privacy.")
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
        if access_of(app.view_functions[rule.endpoint], method)
    ]

    answers = {(who, browser.open(path, method=method, headers=headers).status_code)
               for method, path in routes for who, headers in (("nobody", {}), ("terminal", terminal))}  # fmt: skip

    assert len(routes) == 8
    assert answers == {("nobody", 401), ("terminal", 403)}


@pytest.mark.parametrize(("method", "path"), [("POST", "/exports"), ("POST", "/exports/x/fetch"), ("POST", "/erasure")])
def test_export_and_erasure_ask_for_two_factors(browser: FlaskClient, work: UnitOfWork, method: str, path: str) -> None:
    answer = browser.open(ME + path, method=method, headers=_browser_of(new_citizen(), level=1))

    assert (answer.status_code, answer.json["authentication_level"]) == (403, 2)


# Consents.


def test_a_consent_says_what_whom_and_since_when(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, app_id = new_citizen(), new_client()
    citizen_tokens(client, citizen, app_id)

    shown = browser.get(f"{ME}/consents", headers=_browser_of(citizen)).json["items"]

    assert [(each["client"], each["active"]) for each in shown] == [(app_id, True)]
    assert shown[0]["access"] == {"suxin": ["openid", "profile"]}
    assert len(shown[0]["history"]) == 1
    assert shown[0]["since"] <= shown[0]["last_used_at"]


def test_a_withdrawn_consent_stays_in_the_history(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, app_id = new_citizen(), new_client()
    citizen_tokens(client, citizen, app_id)
    headers = _browser_of(citizen)

    gone = browser.delete(f"{ME}/consents/{app_id}", headers=headers)
    again = browser.delete(f"{ME}/consents/{app_id}", headers=headers)

    shown = browser.get(f"{ME}/consents", headers=headers).json["items"]
    assert (gone.status_code, again.status_code) == (204, 404)
    assert (shown[0]["active"], shown[0]["access"]) == (False, {})
    assert shown[0]["history"][0]["ended_at"] is not None


def test_anothers_consent_is_answered_like_none(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    app_id, victim = new_client(), new_citizen()
    citizen_tokens(client, victim, app_id)
    headers = _browser_of(new_citizen())

    answers = [browser.delete(f"{ME}/consents/{each}", headers=headers) for each in (app_id, "client_none")]

    assert answers[0].json["type"] == answers[1].json["type"]
    assert consents.of(victim.person_id)[0].active


# Activity.


def test_uses_are_paged_without_gap_or_repetition(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen = new_citizen()
    headers = _browser_of(citizen)
    for _ in range(6):
        browser_of(citizen)
    work.commit()
    seen: list[str] = []
    cursor = ""

    while True:
        page = browser.get(f"{ME}/activity?limit=3{cursor}", headers=headers).json
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert len(seen) == len(set(seen)) >= 9


def test_uses_are_filtered_by_action_time_and_actor(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen = new_citizen()
    headers = _browser_of(citizen)
    work.commit()

    def actions(query: str) -> set[str]:
        found = browser.get(f"{ME}/activity?{query}", headers=headers)
        return {each["action"] for each in found.json["items"]}

    assert actions("action=identity.logged-in") == {"identity.logged-in"}
    assert "identity.logged-in" not in actions("others_only=true")
    assert actions("since=2999-01-01T00:00:00Z") == actions("until=2020-01-01T00:00:00Z") == set()
    assert actions("action=nothing") == set()


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "since=yesterday", "others_only=maybe", "cursor=x"])
def test_a_bad_filter_is_refused(browser: FlaskClient, work: UnitOfWork, query: str) -> None:
    answer = browser.get(f"{ME}/activity?{query}", headers=_browser_of(new_citizen()))

    assert answer.status_code in (400, 422)


# Export.


def _made(citizen: Citizen) -> str:
    with acting_as(SYSTEM):
        asked = exports.ask(citizen.person_id)
        exports.make(asked.id)
    session().expire_all()
    return asked.id


def test_an_export_holds_what_we_hold_and_is_given_once(app: Flask, browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, who = _registered()
    headers = _browser_of(citizen)
    asked = browser.post(f"{ME}/exports", headers=headers)
    work.commit()
    exports.make(asked.json["id"])
    work.commit()
    path = f"{ME}/exports/{asked.json['id']}/fetch"

    first, second = (browser.post(path, headers=headers) for _ in range(2))

    body = orjson.loads(first.data)
    assert (asked.status_code, first.status_code, second.status_code) == (202, 200, 404)
    assert body["person"] == {
        "name": who.name, "resident_id": who.resident_id, "mobile": who.mobile, "area": "321302",
        "birth_date": body["person"]["birth_date"], "proofing_level": 4,
    }  # fmt: skip
    assert {"accounts", "sessions", "consents", "uses", "notices", "certificates", "proofing"} <= set(body)
    assert first.headers["Cache-Control"] == "no-store"
    session().expire_all()
    assert session().get_one(DataExport, asked.json["id"]).sealed is None


def test_an_export_rests_sealed_and_lies_in_no_kept_answer(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, who = _registered()
    export = _made(citizen)

    sealed = session().get_one(DataExport, export).sealed or b""
    with pytest.raises(CannotOpen):
        crypto.open_sealed(sealed, purpose="data-export", place="data_export/another/sealed")
    assert who.name.encode() not in sealed
    assert who.resident_id.encode() not in sealed


def test_another_persons_export_is_answered_like_none(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()
    export = _made(citizen)
    headers = _browser_of(new_citizen())

    answers = [browser.post(f"{ME}/exports/{each}/fetch", headers=headers) for each in (export, "export_none")]

    assert [each.json["type"].rpartition("/")[2] for each in answers] == ["not-found", "not-found"]
    assert session().get_one(DataExport, export, populate_existing=True).state == "ready"


def test_a_late_export_is_gone(work: UnitOfWork) -> None:
    citizen, _ = _registered()
    export = _made(citizen)
    session().execute(update(DataExport).values(expires_at=now() - timedelta(seconds=1)))

    with pytest.raises(NotFound):
        exports.fetch(citizen.person_id, export)
    exports.expire()
    held = session().get_one(DataExport, export, populate_existing=True)
    assert (held.state, held.sealed) == ("expired", None)


def test_one_export_at_a_time(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()

    answers = [browser.post(f"{ME}/exports", headers=_browser_of(citizen)).status_code for _ in range(2)]

    assert answers == [202, 409]


def test_of_parallel_downloads_exactly_one_gets_the_export(clean_city: Flask) -> None:
    with clean_city.app_context(), unit_of_work():
        citizen, _ = _registered()
        export = _made(citizen)
    gate = threading.Barrier(CALLERS)

    def fetch(_: int) -> bool:
        with clean_city.app_context(), acting_as(SYSTEM), unit_of_work():
            gate.wait(10)
            try:
                return bool(exports.fetch(citizen.person_id, export))
            except DomainError:
                return False

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sum(pool.map(fetch, range(CALLERS))) == 1


# Erasure.


def test_an_erasure_cools_off_and_can_be_taken_back(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()
    headers = _browser_of(citizen)
    asked = browser.post(f"{ME}/erasure", headers=headers)
    work.commit()
    erasure.do_due()
    shown = browser.get(f"{ME}/erasure", headers=headers)

    taken_back = browser.delete(f"{ME}/erasure", headers=headers)
    work.commit()
    session().execute(update(ErasureRequest).values(due_at=now() - timedelta(seconds=1)))
    erasure.do_due()

    assert (asked.status_code, shown.json["state"], taken_back.status_code) == (202, "cooling", 204)
    assert session().get_one(Person, citizen.person_id, populate_existing=True).state == "active"
    assert {each["part"] for each in shown.json["kept"]} >= {"audit", "certificates"}


def test_a_second_request_is_refused(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()

    answers = [browser.post(f"{ME}/erasure", headers=_browser_of(citizen)).status_code for _ in range(2)]

    assert answers == [202, 409]


def _tables() -> list[str]:
    query = text(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables"
        " where table_schema = 'identity' and table_type = 'BASE TABLE'"
    )
    return list(session().scalars(query))


def _rows() -> Iterator[tuple[str, str]]:
    for table in _tables():
        for row in session().scalars(text(f"select t::text from {table} t")):
            yield table, row


def _sealed_values() -> list[tuple[str, bytes]]:
    """Return every sealed value of identity's tables, wherever it lies."""
    columns = session().execute(
        text(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'identity' and data_type = 'bytea'"
        )
    )
    return [
        (f"{table}.{column}", bytes(value))
        for table, column in columns.all()
        for value in session().scalars(text(f'select "{column}" from identity."{table}" where length("{column}") > 37'))
        if bytes(value)[:1] == b"\x01"
    ]


def _erased(citizen: Citizen) -> None:
    with acting_as(SYSTEM):
        erasure.request(citizen.person_id)
        session().execute(update(ErasureRequest).values(due_at=now() - timedelta(seconds=1)))
        erasure.do_due()
    open_work().commit()


def test_no_clear_or_sealed_value_of_an_erased_person_is_left(client: FlaskClient, work: UnitOfWork) -> None:
    citizen, who = _registered()
    citizen_tokens(client, citizen, new_client())
    _made(citizen)
    indexes = {
        crypto.blind_index(value, purpose=purpose).hex()
        for value, purpose in ((who.resident_id, "resident-id"), (who.mobile, "mobile"))
    }
    places = [f"person/{citizen.person_id}/{column}" for column in ("name", "resident_id", "mobile")]
    before = _openable(places)
    words = {who.name, who.resident_id, who.mobile, citizen.login_name, PASSWORD, *indexes}

    _erased(citizen)

    hidden = words | {word.encode().hex() for word in words}
    left = [(table, word) for table, row in _rows() for word in hidden if word in row]
    assert before == 3
    assert left == []
    assert _openable(places) == 0


def _openable(places: list[str]) -> int:
    opened = 0
    for _, sealed in _sealed_values():
        for place in places:
            try:
                crypto.open_sealed(sealed, purpose="person", place=place)
                opened += 1
            except CannotOpen:
                continue
    return opened


def test_control_a_planted_leftover_is_found(client: FlaskClient, work: UnitOfWork) -> None:
    citizen, who = _registered()
    _erased(citizen)

    session().execute(text("update identity.person set mobile_tail = :leak"), {"leak": who.mobile[-4:]})

    assert any(who.mobile[-4:] in row for table, row in _rows() if table == "identity.person")


def test_an_erased_person_gets_in_nowhere(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()
    token = citizen_tokens(client, citizen, new_client())["access_token"]
    headers = _browser_of(citizen)

    _erased(citizen)

    assert browser.get(ME, headers=headers).status_code == 401
    assert browser.get(ME, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    client.delete_cookie("suxin-session")
    assert log_in(client, citizen.login_name).status_code == 401


def test_the_same_number_can_be_registered_anew_and_meets_nothing_of_before(work: UnitOfWork) -> None:
    citizen, _ = _registered()
    _erased(citizen)

    anew, _ = _registered()

    assert anew.person_id != citizen.person_id
    assert consents.of(anew.person_id) == []


def test_the_audit_trail_stays_by_ids(client: FlaskClient, work: UnitOfWork) -> None:
    citizen, who = _registered()
    _erased(citizen)

    lines = list(session().scalars(select(AuditLeaf.body).where(AuditLeaf.subject == citizen.person_id)))
    joined = b"\n".join(lines)
    assert b"identity.person-erased" in joined
    assert not any(each.encode() in joined for each in (who.name, who.resident_id, who.mobile))


def _work_off(app: Flask) -> None:
    jobs = app.extensions["suxin.jobs"]
    for event in session().scalars(select(OutboxEvent).where(OutboxEvent.job == "identity.erase_part")).all():
        sent = {"id": event.id, "arguments": event.arguments, "acts_under": event.acts_under}
        assert run_events(jobs[event.job], [sent]) == []


def test_every_part_erases_by_the_id_it_knows(app: Flask, work: UnitOfWork) -> None:
    citizen, _ = _registered()
    seen: list[str] = []
    part = PersonalData(audience="health", title=Text("试验", "Trial"), erase=seen.append)
    held = app.extensions["suxin.ports"].setdefault(personal_data.name, {})
    add(Notice(party=citizen.person_id, kind="x", reference="x", arguments={}))
    held["trial"] = part
    try:
        _erased(citizen)
        from app.worker import make_celery

        if "suxin.jobs" not in app.extensions:
            make_celery(app, (), ())
        _work_off(app)
        _work_off(app)
    finally:
        del held["trial"]

    assert len(seen) == 1
    assert seen[0].startswith("sub_")
    assert session().scalars(select(Notice.id).where(Notice.party == citizen.person_id)).all() == []


# Pages.


@pytest.mark.parametrize("page", ["consents", "activity", "data", "work"])
@pytest.mark.parametrize("tongue", ["zh-CN", "en"])
def test_each_page_is_whole_in_both_languages(
    client: FlaskClient, browser: FlaskClient, work: UnitOfWork, page: str, tongue: str
) -> None:
    citizen, _ = _registered()
    citizen_tokens(client, citizen, new_client())
    headers = _browser_of(citizen) | {"Accept-Language": tongue}

    answer = browser.get(f"/account/{page}", headers=headers)

    body = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert f'<html lang="{tongue}"' in body
    assert body.count("<h1>") == 1
    assert "<script" not in body


@pytest.mark.parametrize("page", ["consents", "activity", "data", "work"])
def test_nobody_is_led_to_log_in(browser: FlaskClient, work: UnitOfWork, page: str) -> None:
    answer = browser.get(f"/account/{page}")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?return_to=/account/{page}")


def test_the_page_takes_a_consent_back(client: FlaskClient, browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, app_id = new_citizen(), new_client()
    citizen_tokens(client, citizen, app_id)
    headers = _browser_of(citizen)
    form = {"csrf_token": headers["X-CSRF-Token"], "client": app_id}

    foreign = browser.post("/account/consents", data={**form, "csrf_token": "x"}, headers=headers)
    still = consents.of(citizen.person_id)[0].active
    done = browser.post("/account/consents", data=form, headers=headers)

    session().expire_all()
    assert (foreign.status_code, still, done.status_code) == (403, True, 303)
    assert not consents.of(citizen.person_id)[0].active


def test_the_page_exports_and_erases_after_two_factors_only(browser: FlaskClient, work: UnitOfWork) -> None:
    citizen, _ = _registered()
    weak, strong = _browser_of(citizen, level=1), _browser_of(citizen)

    def post(headers: dict[str, str], do: str, **more: str) -> Any:
        return browser.post(
            "/account/data", data={"csrf_token": headers["X-CSRF-Token"], "do": do, **more}, headers=headers
        )

    refused = [post(weak, do).status_code for do in ("export", "erase", "fetch")]
    done = [post(strong, do).status_code for do in ("export", "erase", "cancel-erasure")]

    assert (refused, done) == ([403, 403, 403], [303, 303, 303])


def test_health_hands_out_purchases_and_erases_the_voucher(app: Flask, work: UnitOfWork) -> None:
    from plugins.health.models import Voucher
    from plugins.health.service.entitlement import keep_voucher

    part = app.extensions["suxin.ports"][personal_data.name]["health"]
    keep_voucher("sub_a", "token-a")
    keep_voucher("sub_b", "token-b")

    part.erase("sub_a")
    part.erase("sub_a")

    assert part.export("sub_a") == []
    assert set(session().scalars(select(Voucher.subject))) == {"sub_b"}
