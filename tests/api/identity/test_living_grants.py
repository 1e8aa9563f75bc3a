"""Both readings of a grant that still gives tokens, the ORM's and the prepared one, agree on what ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.accounts.models import Account
from identity.oidc.grants.issued import live_grant
from identity.oidc.grants.living import living_grant
from identity.oidc.models import AuthorizationGrant
from identity.parties.models import Person
from tests.api.identity import world
from tests.api.identity.test_token_exchange import citizen_token
from tests.api.identity.world import Citizen

ENDS: dict[str, tuple[Any, Any, bool]] = {
    "nothing ended": (AuthorizationGrant, lambda: {"revoked_at": None}, True),
    "the grant is withdrawn": (AuthorizationGrant, lambda: {"revoked_at": now()}, False),
    "the grant is over": (AuthorizationGrant, lambda: {"expires_at": now() - timedelta(seconds=1)}, False),
    "the grant will be over": (AuthorizationGrant, lambda: {"expires_at": now() + timedelta(minutes=1)}, True),
    "the grant has no end": (AuthorizationGrant, lambda: {"expires_at": None}, True),
    "the account is disabled": (Account, lambda: {"state": "disabled"}, False),
    "the person is stopped": (Person, lambda: {"state": "disabled"}, False),
}


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    return world.new_citizen()


@pytest.mark.parametrize(("model", "change", "lives"), ENDS.values(), ids=ENDS.keys())
def test_both_readings_agree(client: FlaskClient, citizen: Citizen, model: Any, change: Any, lives: bool) -> None:
    citizen_token(client, citizen)
    with unit_of_work():
        grant_id = session().scalars(select(AuthorizationGrant.id)).one()
        rows = {AuthorizationGrant: grant_id, Account: citizen.account_id, Person: citizen.person_id}
        session().execute(update(model).where(model.id == rows[model]).values(**change()))

    with unit_of_work():
        read = live_grant(grant_id) is not None

    assert (read, living_grant(grant_id) is not None) == (lives, lives)
