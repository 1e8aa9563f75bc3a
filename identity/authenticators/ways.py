"""A person's ways in: list, rename, remove; the last one stays."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from app import audit
from app.db import session
from app.errors import Conflict, NotAllowed, NotFound
from app.guards import InsufficientAssurance
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import levels, telling
from identity.authenticators.models import Authenticator

# What opens an account by itself; an app's codes only ever come second.
FIRST_FACTORS = ("password", "passkey")


class LastWayIn(Conflict):
    title = Text("这是最后一种登录方式", "This is the last way into the account")
    next_step = Text("请先添加另一种登录方式", "Add another way to log in first")


class OwnerOnly(NotAllowed):
    title = Text("只有本人可以更改登录方式", "Only the owner changes how the account is opened")
    next_step = Text("请由本人登录后操作", "Let the owner log in and do it")


class StepUpNeeded(InsufficientAssurance):
    """Changing the ways in takes the highest level the account has (800-63B-4, 4.2)."""

    next_step = Text("请以更高等级重新登录", "Log in again at the level named here")


def account_of(person_id: str) -> Account:
    """Return a person's account, the oldest active one; raises `NotFound`."""
    found = session().scalars(
        select(Account).where(Account.person_id == person_id, Account.state == "active").order_by(Account.created_at)
    ).first()  # fmt: skip
    if found is None:
        raise NotFound
    return found


def of(account_id: str) -> list[Authenticator]:
    """Return an account's ways in, the oldest first."""
    return list(
        session().scalars(
            select(Authenticator).where(Authenticator.account_id == account_id).order_by(Authenticator.created_at)
        )
    )


def check_level(account_id: str, reached: int) -> None:
    """Raise `StepUpNeeded` unless the caller logged in as strongly as the account allows."""
    needed = levels.strength(account_id)
    if reached < needed:
        raise StepUpNeeded(
            authentication_level=needed,
            headers={"WWW-Authenticate": f'Bearer error="insufficient_user_authentication", acr_values="aal{needed}"'},
        )


def rename(account: Account, authenticator_id: str, name: str) -> Authenticator:
    """Give one's own way in a name; raises `NotFound`, also for another person's."""
    found = session().scalars(
        update(Authenticator)
        .where(Authenticator.id == authenticator_id, Authenticator.account_id == account.id)
        .values(name=name)
        .returning(Authenticator)
    ).first()  # fmt: skip
    if found is None:
        raise NotFound
    audit.record("identity.authenticator-renamed", subject=account.person_id, object=authenticator_id)
    return found


def remove(account: Account, authenticator_id: str) -> None:
    """Take away one of one's own ways in; raises `NotFound`, and `LastWayIn` for the last that opens the account."""
    # Two removals at once must not take the last two: they follow one another here.
    session().execute(select(Account.id).where(Account.id == account.id).with_for_update())
    held = {each.id: each for each in of(account.id)}
    if authenticator_id not in held:
        raise NotFound
    gone = held.pop(authenticator_id)
    if gone.kind in FIRST_FACTORS and not any(
        each.kind in FIRST_FACTORS and each.suspect_at is None for each in held.values()
    ):
        raise LastWayIn
    session().execute(delete(Authenticator).where(Authenticator.id == authenticator_id))
    audit.record(
        "identity.authenticator-removed", subject=account.person_id, object=gone.id, details={"kind": gone.kind}
    )
    telling.about(account.person_id, "authenticator-removed", name=gone.name or gone.kind)
