"""Open and stop log-in accounts."""

from __future__ import annotations

from sqlalchemy import select, update

from app import audit
from app.db import add, session
from app.errors import Conflict, NotFound
from identity.accounts.models import Account
from identity.oidc.revocation import revoke_grants_of


def open_account(*, login_name: str, person_id: str) -> Account:
    """Open an account; raises `Conflict` when the log-in name is taken."""
    name = login_name.strip().lower()
    if session().scalar(select(Account.id).where(Account.login_name == name)) is not None:
        raise Conflict
    account = add(Account(login_name=name, person_id=person_id))
    audit.record("identity.account-opened", subject=person_id, object=account.id)
    return account


def disable_account(account_id: str) -> None:
    """Stop an account: sessions, codes and tokens of it end at once; raises `NotFound`."""
    person_id = session().scalar(
        update(Account)
        .where(Account.id == account_id, Account.state == "active")
        .values(state="disabled")
        .returning(Account.person_id)
    )
    if person_id is None:
        raise NotFound
    revoke_grants_of(person_id=person_id)
    audit.record("identity.account-disabled", subject=person_id, object=account_id)
