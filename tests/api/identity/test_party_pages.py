"""The account pages do by plain forms what the API does, for their own visitor only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.db import UnitOfWork, now, unit_of_work
from identity.parties import acting, mandates
from tests.api.identity import kin, world
from tests.api.identity.kin import Kin

PAGES = ("/account/acting-for", "/account/family", "/account/mandates", "/account/organisations", "/account/proofing")


@pytest.fixture
def su(work: UnitOfWork) -> Kin:
    kin.own_pages()
    return kin.person("苏荷")


def post(client: FlaskClient, path: str, **fields: str) -> Any:
    return client.post(path, data={"csrf_token": kin.csrf(client), **fields})


@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_strangers_to_log_in(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?return_to=" + path.replace("/", "%2F"))
    assert client.post(path, data={"csrf_token": "0" * 64}).status_code in (303, 405)


@pytest.mark.parametrize("path", [*PAGES, "/register"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_pages_speak_both_languages_and_label_every_field(
    client: FlaskClient, su: Kin, path: str, language: str
) -> None:
    with unit_of_work():
        child, elder = kin.person("苏晓", birth=kin.born(6), account=False), kin.person("钱初")
        kin.guardianship(su, child)
        kin.mandate(elder, su)
        org, _ = kin.organisation(su)
        kin.agent(su, org, elder)
    kin.log_in(client, su)

    text = client.get(path, headers={"Accept-Language": language}).get_data(as_text=True)

    assert f'<html lang="{language}"' in text
    assert "<script" not in text
    assert " style=" not in text
    _labelled(text)


def _labelled(text: str) -> None:
    import re

    fields = re.findall(r'<(?:input|select)(?![^>]*type="hidden")[^>]*\bid="([^"]+)"', text)
    labels = re.findall(r'<label for="([^"]+)"', text)
    assert set(fields) <= set(labels)
    assert len(fields) == len(set(fields))


def test_a_mandate_is_given_accepted_and_revoked_by_forms(client: FlaskClient, su: Kin) -> None:
    with unit_of_work():
        elder = kin.person("钱初")
    until = (now() + timedelta(days=30)).strftime("%Y-%m-%d")
    kin.log_in(client, elder)
    asked = {"purpose": "medicine", "until": until, "allow.1": "suxin profile", "allow.2": "health health:read"}
    assert post(client, "/account/mandates", **su.named(), **asked).status_code == 303
    other = client.application.test_client()
    kin.log_in(other, su)
    with unit_of_work():
        [offer] = mandates.held_by(su.id)
    assert "钱*" in other.get("/account/mandates").get_data(as_text=True)

    assert post(other, f"/account/mandates/{offer.id}/accept").status_code == 303

    with unit_of_work():
        [held] = [each for each in acting.capacities(su.id) if each.evidence]
        assert held.limits == {"health": ["health:read"], "suxin": ["profile"]}
    assert post(client, f"/account/mandates/{offer.id}/revoke").status_code == 303
    with unit_of_work():
        assert len(acting.capacities(su.id)) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"until": "soon"}, "授权内容无效"),
        ({"allow.1": "suxin identity:face"}, "授权内容无效"),
        ({"allow.1": ""}, "授权内容无效"),
        ({"resident_id": "1"}, "提交的内容不符合要求"),
    ],
)
def test_a_refused_form_says_why_on_the_page(client: FlaskClient, su: Kin, fields: dict[str, str], words: str) -> None:
    kin.log_in(client, su)
    good = {"name": "钱初", "resident_id": kin.number_of(kin.ADULT), "purpose": "medicine", "until": "2026-12-31"}

    answer = post(client, "/account/mandates", **{**good, "allow.1": "suxin profile", **fields})

    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_forms_of_another_browser_change_nothing(client: FlaskClient, su: Kin) -> None:
    kin.log_in(client, su)
    foreign = world.form_token(client.application.test_client().get("/login").get_data(as_text=True))

    for path in ("/account/acting-for", "/account/mandates", "/account/family", "/account/organisations"):
        assert client.post(path, data={"csrf_token": foreign}).status_code == 403


def test_pages_stay_about_oneself_while_one_acts_for_another(client: FlaskClient, su: Kin) -> None:
    with unit_of_work():
        child, elder = kin.person("苏晓", birth=kin.born(6), account=False), kin.person("钱初")
        ward = kin.guardianship(su, child)
        offer = kin.mandate(elder, su, accepted=False)
    kin.log_in(client, su)
    kin.choose(client, ward.id)

    assert post(client, f"/account/mandates/{offer.id}/accept").status_code == 303

    with unit_of_work():
        assert {each.party for each in acting.capacities(su.id)} == {su.id, child.id, elder.id}
        [line] = kin.lines(elder.id, "identity.mandate-accepted")
    assert (line["actor"], line["acting_for"]) == (su.id, None)
