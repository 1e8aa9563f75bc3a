"""Posts: what a person may do for an organisation counts while it counts, and not a request longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.db import UnitOfWork, now, session
from app.guards import Kind, principal
from identity.admin import departments, persons
from identity.handles import handle_of
from identity.parties.models import Organisation
from identity.staff import service
from identity.staff.capacities import staff_capacities
from identity.staff.guard import SCOPE
from identity.staff.models import StaffRole
from identity.staff.principals import may_assist
from tests.api.identity.offices import Official, browser_of, cookies, give, office, official, staff_pages
from tests.api.identity.world import Pkce, approve, bearer, code_of, new_citizen, redeem, request_of

CLIENTS = "/api/identity/admin/clients"


def _end_role(who: Official) -> None:
    held = session().query(StaffRole).filter_by(person_id=who.citizen.person_id).all()
    for each in held:
        service.end(each.id)


def _expire_role(who: Official) -> None:
    for each in session().query(StaffRole).filter_by(person_id=who.citizen.person_id).all():
        each.valid_from, each.valid_until = now() - timedelta(days=2), now() - timedelta(days=1)
    session().flush()


ENDINGS: dict[str, Callable[[Official], None]] = {
    "role ended": _end_role,
    "role expired": _expire_role,
    "department suspended": lambda who: departments.suspend(who.organisation.id),
    "person disabled": lambda who: persons.disable(who.citizen.person_id),
}


def test_a_person_with_two_posts_chooses_and_has_only_the_chosen_ones_desks(work: UnitOfWork) -> None:
    person, one, other = new_citizen(), office(name="甲"), office(name="乙")
    give(person, one, "clients")
    give(person, other, "devices")

    held = {each.organisation: each.roles for each in staff_capacities(person.person_id)}

    assert held == {"甲": ("clients",), "乙": ("devices",)}


def test_a_session_acts_for_an_organisation_only_with_a_post_there(work: UnitOfWork) -> None:
    person, stranger = new_citizen(), office()
    _, session_id = browser_of(person)

    with pytest.raises(service.NotYourCapacity):
        service.work_for(session_id, person.person_id, stranger.id)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_request_of_a_browser_is_without_an_ended_post(
    browser: FlaskClient, work: UnitOfWork, ending: str
) -> None:
    who = official("clients")
    before = browser.get(CLIENTS, headers=who.headers()).status_code

    ENDINGS[ending](who)

    assert (before, browser.get(CLIENTS, headers=who.headers()).status_code in (401, 403)) == (200, True)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_request_with_a_token_is_without_an_ended_post(
    client: FlaskClient, browser: FlaskClient, work: UnitOfWork, ending: str
) -> None:
    who = official("clients")
    token = _token_of(client, who)
    before = browser.get(CLIENTS, headers=bearer(token)).status_code

    ENDINGS[ending](who)

    assert (before, browser.get(CLIENTS, headers=bearer(token)).status_code) == (200, 401)


def test_an_officials_token_names_organisation_and_desks_and_no_affairs_of_their_own(
    client: FlaskClient, work: UnitOfWork
) -> None:
    who = official("clients", "window")
    token = _token_of(client, who)

    with client.application.test_request_context("/api/identity/admin/clients", headers=bearer(token)):
        seen = principal()

    assert (seen.kind, seen.organisation, seen.party) == (Kind.OFFICIAL, who.organisation.id, None)
    assert {role for _, role, _ in seen.desks} == {"clients", "window"}
    assert (seen.actor, seen.session, may_assist(seen)) == (who.citizen.person_id, who.session_id, True)


def test_a_citizens_consent_says_nothing_of_their_work(client: FlaskClient, work: UnitOfWork) -> None:
    who = official("clients")
    app_id = _staff_app()
    session().expire_all()
    secret, _ = browser_of(who.citizen)
    client.set_cookie("suxin-session", secret)
    code_of(approve(client, request_of(app_id, Pkce.fresh(), scope=SCOPE)))

    client.set_cookie("suxin-session", who.secret)
    again = client.get(f"/oauth2/authorize?{request_of(app_id, Pkce.fresh(), scope=SCOPE)}")

    assert again.status_code == 200


def test_staff_read_nobodys_own_affairs_while_they_work(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("clients", "administrator")

    answers = [browser.get(f"/api/identity/me{path}", headers=who.headers()).status_code for path in ("", "/consents")]

    assert answers == [403, 403]


def test_an_administrators_role_takes_two_persons(browser: FlaskClient, work: UnitOfWork) -> None:
    first, second = official("administrator"), official("administrator")
    employer, person = office(), new_citizen()
    form = {"person": handle_of(person.person_id), "organisation": employer.credit_code, "role": "administrator",
            "area": "3213"}  # fmt: skip

    refused = browser.post("/api/identity/admin/staff-roles", json=form, headers=first.headers())

    assert second.session_id != first.session_id
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "approval-needed")


def test_an_administrator_gives_no_role_beyond_their_own_area(browser: FlaskClient, work: UnitOfWork) -> None:
    who = official("administrator", area="321302", organisation=office("321302"))
    person = new_citizen()
    form = {"person": handle_of(person.person_id), "organisation": office("321302").credit_code, "role": "window"}

    wide = browser.post("/api/identity/admin/staff-roles", json={**form, "area": "3213"}, headers=who.headers())
    own = browser.post("/api/identity/admin/staff-roles", json={**form, "area": "32130200"}, headers=who.headers())

    assert (wide.status_code, own.status_code) == (404, 201)


def test_the_operator_names_the_first_two_administrators_only(work: UnitOfWork) -> None:
    employer = office()
    for _ in range(2):
        service.give(person_id=new_citizen().person_id, organisation_id=employer.id, role="administrator",
                     area="3213", valid_until=None)  # fmt: skip

    with pytest.raises(service.ApprovalNeeded):
        service.give(person_id=new_citizen().person_id, organisation_id=employer.id, role="administrator",
                     area="3213", valid_until=None)  # fmt: skip


def test_the_page_lets_one_choose_a_post_and_come_back(browser: FlaskClient, work: UnitOfWork) -> None:
    person, employer = new_citizen(), office(name="宿城区医保局")
    give(person, employer, "clients")
    staff_pages()
    secret, session_id = browser_of(person)
    form = {"csrf_token": cookies(secret)["X-CSRF-Token"], "organisation": employer.id}

    page = browser.get("/account/work", headers=cookies(secret))
    chosen = browser.post("/account/work", data=form, headers=cookies(secret))
    as_staff = browser.get(CLIENTS, headers=cookies(secret)).status_code
    browser.post("/account/work", data={**form, "organisation": ""}, headers=cookies(secret))

    assert "宿城区医保局" in page.get_data(as_text=True)
    assert (chosen.status_code, as_staff) == (303, 200)
    assert browser.get(CLIENTS, headers=cookies(secret)).status_code == 403
    assert session_id.startswith("session_")


def test_a_form_without_its_token_chooses_nothing(browser: FlaskClient, work: UnitOfWork) -> None:
    person, employer = new_citizen(), office()
    give(person, employer, "clients")
    secret, _ = browser_of(person)

    refused = browser.post("/account/work", data={"organisation": employer.id}, headers=cookies(secret))

    assert refused.status_code == 403


def _staff_app() -> str:
    from app.db import add
    from app.ids import new_id
    from identity.oidc.models import Client
    from tests.api.identity.world import CALLBACK

    name = new_id("client")
    add(Client(id=name, title_zh="办公", title_en="Staff", redirect_uris=[CALLBACK], access={"suxin": [SCOPE]}))
    return name


def _token_of(client: FlaskClient, who: Official) -> str:
    app_id, pkce = _staff_app(), Pkce.fresh()
    client.set_cookie("suxin-session", who.secret)
    answer = redeem(client, app_id, code_of(approve(client, request_of(app_id, pkce, scope=SCOPE))), pkce)
    token: str = answer.json["access_token"]
    assert isinstance(session().get(Organisation, who.organisation.id), Organisation)
    return token
