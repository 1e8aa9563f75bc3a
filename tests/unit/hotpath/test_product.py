"""The city's own hot reads are answered by compiled statements, with the ordinary answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from app import crypto
from app.certificates.models import Certificate
from app.db import add, now, unit_of_work
from app.matters.models import Category, Matter
from identity.oidc import keys, revocation, tokens
from identity.oidc.access import Wanted
from identity.oidc.models import AuthorizationGrant
from identity.oidc.verify import Verifier
from identity.parties.models import Person
from tests.api.identity.world import new_citizen

ME, STATE, MATTER = "/api/identity/me", "/api/certificates/certificate_1/state", "/api/matters/pension.pay"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
MATERIAL = st.fixed_dictionaries({"title_zh": TEXT, "title_en": TEXT}, optional={"certificate": TEXT, "unknown": TEXT})


@pytest.fixture
def city(clean_city: Flask) -> Flask:
    with clean_city.app_context(), unit_of_work():
        keys.active()
        new_citizen("陈晓燕")
        add(Category(code="social", title_zh="社保", title_en="Social insurance"))
        add(
            Matter(
                code="pension.pay", category="social", title_zh="养老金", title_en="Pension", owner="o", area="321300",
                statutory_days=None, promised_days=3, materials=[], channels=["app"], source="unverified",
            )
        )  # fmt: skip
        add(
            Certificate(
                id="certificate_1", type="health.receipt", holder="person_1", source="s", claims_sealed=b"",
                claims_hash=b"", signature="", expires_at=now(),
            )
        )  # fmt: skip
    return clean_city


def _citizen_token(city: Flask) -> dict[str, str]:
    with city.app_context(), unit_of_work() as work:
        person = work.session.scalars(sa.select(Person)).one()
        grant = AuthorizationGrant(
            id="grant_1", access={"suxin": ["profile"]}, person_id=person.id, client_id="c",
            authorization_details=[], proofing_level=4, authentication_level=2, authenticated_at=now(),
        )  # fmt: skip
        token = tokens.for_citizen(grant, Wanted("suxin", ("profile",)))
        return {"Authorization": f"Bearer {token}"}


def _terminal_token(city: Flask) -> dict[str, str]:
    with city.app_context(), unit_of_work():
        wanted = Wanted("suxin", ("certificates:verify",))
        token = tokens.access_token(wanted, kind="terminal", sub="terminal_1", client_id="terminal_1")
        return {"Authorization": f"Bearer {token}"}


def _nobody(_: Flask) -> dict[str, str]:
    return {}


def _get(wsgi: Any, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    answer = Client(wsgi).get(path, headers=headers)
    return answer.status_code, answer.data, {k: v for k, v in answer.headers if k not in ("X-Request-Id", "Date")}


def _compiled(city: Flask, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    """Return the answer, and insist that it is the compiled one."""
    hot = city.extensions["suxin.hotpath"]
    for _ in range(2):
        _get(city.wsgi_app, path, headers)
    before = hot.answered
    answer = _get(city.wsgi_app, path, headers)
    assert hot.answered == before + 1
    return answer


@pytest.mark.parametrize(("path", "caller"), [(ME, _citizen_token), (STATE, _terminal_token), (MATTER, _nobody)])
def test_a_named_read_is_compiled_and_equal(city: Flask, path: str, caller: Callable[[Flask], dict[str, str]]) -> None:
    headers = caller(city)

    assert _compiled(city, path, headers) == _get(city.extensions["suxin.hotpath"].ordinary, path, headers)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT, tail=st.from_regex(r"[0-9]{4}", fullmatch=True), level=st.integers(1, 5))
def test_every_profile_is_shown_as_the_ordinary_path_shows_it(city: Flask, name: str, tail: str, level: int) -> None:
    headers = _citizen_token(city)
    with city.app_context(), unit_of_work() as work:
        person = work.session.scalars(sa.select(Person)).one()
        place = f"person/{person.id}/name"
        person.name_sealed = crypto.seal(name.encode(), purpose="person", place=place)
        person.mobile_tail, person.proofing_level = tail, level

    assert _compiled(city, ME, headers) == _get(city.extensions["suxin.hotpath"].ordinary, ME, headers)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(materials=st.lists(MATERIAL, max_size=3), channels=st.lists(TEXT, max_size=3), title=TEXT)
def test_every_matter_is_shown_as_the_ordinary_path_shows_it(
    city: Flask, materials: list[dict[str, str]], channels: list[str], title: str
) -> None:
    with city.app_context(), unit_of_work() as work:
        matter = work.session.scalars(sa.select(Matter)).one()
        matter.materials, matter.channels, matter.title_zh = materials, channels, title

    assert _compiled(city, MATTER, {}) == _get(city.extensions["suxin.hotpath"].ordinary, MATTER, {})


def test_a_withdrawn_token_gets_no_compiled_answer(city: Flask) -> None:
    headers = _citizen_token(city)
    assert _compiled(city, ME, headers)[0] == 200

    with city.app_context(), unit_of_work() as work:
        person = work.session.scalars(sa.select(Person)).one()
        subject = tokens.directory.subject_of(person.id, "suxin")
        revocation.revoke("sub", subject)

    assert _get(city.wsgi_app, ME, headers)[0] == 401


def test_an_expired_token_gets_no_compiled_answer(city: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = _citizen_token(city)
    assert _compiled(city, ME, headers)[0] == 200
    with city.app_context():
        recall = Verifier().memory(city, audience="suxin")
    assert recall(headers["Authorization"]) is not None

    monkeypatch.setattr("identity.oidc.verify.time.time", lambda: 4e9)

    assert recall(headers["Authorization"]) is None


def test_a_name_that_does_not_open_is_left_to_the_ordinary_path(city: Flask) -> None:
    headers = _citizen_token(city)
    _compiled(city, ME, headers)
    with city.app_context(), unit_of_work() as work:
        work.session.scalars(sa.select(Person)).one().name_sealed = b"broken"
    before = city.extensions["suxin.hotpath"].answered

    assert _get(city.wsgi_app, ME, headers)[0] == 500
    assert city.extensions["suxin.hotpath"].answered == before
