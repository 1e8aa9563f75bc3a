"""An erased person's ties to others and to outside parties end, and name nobody any more."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select, text

from app.db import UnitOfWork, add, now, session
from identity.federation.models import ProviderLink
from identity.parties import acting
from identity.parties.acting_models import Mandate
from identity.parties.models import NetworkIdentity
from identity.privacy import erasure
from tests.api.identity import kin
from tests.api.identity.kin import Kin


@pytest.fixture
def elder(work: UnitOfWork) -> Kin:
    return kin.person("钱初", birth=date(1949, 10, 4))


@pytest.mark.parametrize("side", ["giver", "holder"])
def test_a_mandate_ends_with_either_side_and_its_addressee_is_forgotten(
    work: UnitOfWork, elder: Kin, side: str
) -> None:
    holder = kin.person("周远")
    mandate = kin.mandate(elder, holder)
    before = session().get_one(Mandate, mandate.id).addressee
    assert acting.others(holder.id)

    erasure.erase(elder.id if side == "giver" else holder.id)

    row = session().get_one(Mandate, mandate.id, populate_existing=True)
    assert (row.state, row.authorization_details, row.ended_because) == ("revoked", [], "erased")
    assert row.addressee != before
    assert not acting.others(holder.id)


def test_links_to_outside_parties_are_deleted(work: UnitOfWork, elder: Kin) -> None:
    account = session().scalar(text("SELECT id FROM identity.account WHERE person_id = :p"), {"p": elder.id})
    add(ProviderLink(provider="province", subject_index=b"x", account_id=account, made_at=now()))
    add(NetworkIdentity(person_id=elder.id, identifier_index=b"y", identifier_sealed=b"z"))

    erasure.erase(elder.id)

    left = [session().scalar(select(func.count()).select_from(model)) for model in (ProviderLink, NetworkIdentity)]
    assert left == [0, 0]
