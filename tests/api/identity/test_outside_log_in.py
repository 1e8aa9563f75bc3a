"""Log-in with an outside provider: matched by a proven ID number, bound to one browser, trusted only when all fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.audit import about
from app.db import UnitOfWork, session
from identity.accounts.service import disable_account
from identity.federation import client as outside
from identity.federation.models import ProviderLink
from identity.federation.simulator.protocol import Province
from identity.parties.models import Person
from identity.sessions.models import BrowserSession
from tests.api.identity import province, world


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Province, Province]]:
    monkeypatch.setattr(outside, "_TIMEOUT", 1.0)
    with province.served(tmp_path, monkeypatch) as served:
        yield served


@pytest.fixture
def chen(work: UnitOfWork) -> world.Citizen:
    return province.citizen(province.CHEN)


def _whole(client: FlaskClient, person: str = "chen", **more: Any) -> Any:
    return province.come_back(client, province.say(province.begin(client, **more), person))


def _session_of(citizen: world.Citizen) -> int:
    found = session().scalar(
        select(func.count()).select_from(BrowserSession).where(BrowserSession.account_id == citizen.account_id)
    )
    return found or 0


def test_a_proven_id_number_opens_the_persons_account_and_leads_on(
    client: FlaskClient, two: Any, chen: world.Citizen
) -> None:
    answer = _whole(client, return_to="/oauth2/authorize?client_id=x")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/oauth2/authorize?client_id=x")
    assert province.logged_in(client)
    assert _session_of(chen) == 1
    assert "identity.provider-linked" in {each.action for each in about(chen.person_id)}


def test_the_second_log_in_uses_the_link_and_makes_no_other(client: FlaskClient, two: Any, chen: world.Citizen) -> None:
    _whole(client)
    _whole(client)

    links = session().scalars(select(ProviderLink)).all()
    assert [(each.account_id, each.used_at is not None) for each in links] == [(chen.account_id, True)]
    # The same account in the same browser goes on in its one session, under a new secret.
    assert _session_of(chen) == 1


def test_the_log_in_page_offers_the_providers(client: FlaskClient, two: Any) -> None:
    page = client.get("/login?return_to=/x", headers={"Accept-Language": "en"}).get_data(as_text=True)

    assert 'href="/login/with/province?return_to=/x"' in page
    assert "Log in with the province" in page


def test_without_providers_nothing_is_offered_and_nothing_answers(client: FlaskClient) -> None:
    assert "/login/with/" not in client.get("/login").get_data(as_text=True)
    assert client.get("/login/with/province").status_code == 404


@pytest.mark.parametrize("person", ["namesake", "li"])
def test_equal_names_match_nobody(client: FlaskClient, two: Any, chen: world.Citizen, person: str) -> None:
    answer = _whole(client, person)

    assert answer.status_code == 403
    assert province.logged_in(client) is None


def test_a_number_that_was_only_stated_matches_nobody(client: FlaskClient, two: Any, work: UnitOfWork) -> None:
    squatter = province.citizen(province.CHEN, level=2)

    answer = _whole(client)

    assert answer.status_code == 403
    assert _session_of(squatter) == 0


def test_a_stopped_account_stays_closed(client: FlaskClient, two: Any, chen: world.Citizen) -> None:
    _whole(client)
    disable_account(chen.account_id)

    assert _whole(client).status_code == 403


def test_a_link_that_names_another_person_now_is_refused(client: FlaskClient, two: Any, chen: world.Citizen) -> None:
    _whole(client)
    session().get_one(Person, chen.person_id).resident_id_index = b"another number"
    session().flush()

    assert _whole(client).status_code == 403


FAULTS = [
    ("wrong_nonce", 400),
    ("wrong_issuer", 400),
    ("wrong_audience", 400),
    ("borrowed_audience", 400),
    ("expired", 400),
    ("from_the_future", 400),
    ("foreign_key", 400),
    ("no_signature", 400),
    ("no_id_token", 400),
    ("mixed_up", 400),
    ("no_issuer_named", 400),
    ("another_subject", 400),
    ("garble", 400),
    ("refuse", 403),
    ("down", 502),
    ("no_answer", 502),
]


@pytest.mark.parametrize(("fault", "status"), FAULTS)
def test_a_provider_that_misbehaves_logs_nobody_in(
    client: FlaskClient, two: Any, chen: world.Citizen, fault: str, status: int
) -> None:
    two[0].faults.plan(fault)

    answer = _whole(client)

    assert answer.status_code == status
    assert province.logged_in(client) is None
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert _whole(client).status_code == 303


def test_an_answer_brought_by_another_browser_logs_nobody_in(
    app: Flask, client: FlaskClient, two: Any, chen: world.Citizen
) -> None:
    """One-click account takeover: a victim follows a link to a callback whose state the attacker began."""
    answer = province.say(province.begin(client))
    victim = app.test_client()

    refused = province.come_back(victim, answer)

    assert refused.status_code == 400
    assert province.logged_in(victim) is None


def test_a_victim_who_began_too_is_not_handed_the_attackers_code(
    app: Flask, client: FlaskClient, two: Any, chen: world.Citizen
) -> None:
    victim = app.test_client()
    own = province.begin(victim)
    attackers = province.say(province.begin(client))

    refused = province.come_back(victim, attackers | {"state": own["state"]})

    assert refused.status_code == 400
    assert province.logged_in(victim) is None


def test_an_answer_works_once(client: FlaskClient, two: Any, chen: world.Citizen) -> None:
    asked = province.begin(client)
    kept = client.get_cookie("suxin-provider")
    answer = province.say(asked)
    assert province.come_back(client, answer).status_code == 303
    assert kept is not None
    client.set_cookie("suxin-provider", kept.value)

    assert province.come_back(client, province.say(asked)).status_code == 400


def test_the_answer_of_one_provider_is_not_taken_for_anothers(
    client: FlaskClient, two: Any, chen: world.Citizen
) -> None:
    """Mix-up: the browser began at one provider, and comes back with the code of another."""
    honest, _ = two
    asked = province.begin(client, province.RIVAL)
    answer = province.say(asked | {"at": f"{honest.issuer}/authorize"})

    at_rivals_callback = province.come_back(client, answer, province.RIVAL)
    asked = province.begin(client, province.RIVAL)
    at_the_others = province.come_back(client, province.say(asked), province.KEY)

    assert (at_rivals_callback.status_code, at_the_others.status_code) == (400, 400)
    assert province.logged_in(client) is None


BAD_ANSWERS = [
    {"state": "another"},
    {"state": ""},
    {"state": "状态"},
    {"state": "s" * 9000},
    {"code": ""},
    {"code": "guessed"},
    {"code": "c" * 30_000},
    {"iss": "https://another.example"},
    {"iss": ""},
]


@pytest.mark.parametrize("change", BAD_ANSWERS)
def test_a_changed_answer_logs_nobody_in(
    client: FlaskClient, two: Any, chen: world.Citizen, change: dict[str, str]
) -> None:
    answer = province.say(province.begin(client))

    assert province.come_back(client, answer | change).status_code == 400
    assert province.logged_in(client) is None


def test_a_repeated_parameter_is_refused(client: FlaskClient, two: Any, chen: world.Citizen) -> None:
    answer = province.say(province.begin(client))

    refused = client.get(
        f"/login/with/province/callback?code={answer['code']}&code=x&state={answer['state']}&iss={answer['iss']}"
    )

    assert refused.status_code == 400
    assert province.logged_in(client) is None


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/logout"])
def test_it_leads_only_to_the_citys_own_pages(client: FlaskClient, two: Any, chen: world.Citizen, target: str) -> None:
    assert _whole(client, return_to=target).headers["Location"] == "/"


def test_an_unlinked_provider_opens_the_account_no_more_until_it_is_allowed_again(
    client: FlaskClient, two: Any, chen: world.Citizen
) -> None:
    app_client = world.new_client()
    session().execute(
        world.Client.__table__.update()
        .where(world.Client.id == app_client)
        .values(access={"suxin": ["openid", "profile", "identity:providers"]})
    )
    _whole(client)
    client.delete_cookie("suxin-session")
    tokens = world.citizen_tokens(client, chen, app_client, scope="openid profile identity:providers")
    mine = world.bearer(tokens["access_token"])

    unlinked = client.delete("/api/identity/me/providers/province", headers=mine)
    told = client.get("/api/identity/me/providers", headers=mine).json["items"]
    refused = _whole(client)
    client.put("/api/identity/me/providers/province", headers=mine)

    assert unlinked.status_code == 204
    assert [(each["key"], each["linked"], each["allowed"]) for each in told] == [
        ("province", True, False),
        ("nation", False, True),
    ]
    assert refused.status_code == 403
    assert _whole(client).status_code == 303
    assert client.delete("/api/identity/me/providers/none", headers=mine).status_code == 404


def test_twenty_first_log_ins_at_once_make_one_link(clean_city: Flask, two: Any) -> None:
    from app.db import unit_of_work

    with clean_city.app_context(), unit_of_work():
        chen = province.citizen(province.CHEN)
    barrier, seen = Barrier(6), []

    def one() -> None:
        browser = clean_city.test_client()
        answer = province.say(province.begin(browser))
        barrier.wait(20)
        seen.append(province.come_back(browser, answer).status_code)

    threads = [Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    with clean_city.app_context(), unit_of_work():
        links = session().scalars(select(ProviderLink.account_id)).all()
    assert (seen, links) == ([303] * 6, [chen.account_id])
