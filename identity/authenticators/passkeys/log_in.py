"""Log in by a passkey (WebAuthn L3, 7.2): the passkey says who, its user verification makes it two factors."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException

from app import audit
from app.db import driver, now, session, unit_of_work
from identity.accounts.models import Account
from identity.authenticators import guesses, telling
from identity.authenticators.models import Authenticator
from identity.authenticators.passkeys import ceremony, challenge
from identity.authenticators.passkeys.ceremony import PasskeyRefused
from identity.oidc.settings import issuer
from identity.parties.models import Person

USE = "log-in"
_ADVANCE = """
update identity.authenticator set sign_count = %(count)s, last_used_at = %(now)s
where id = %(id)s and (sign_count < %(count)s or (sign_count = 0 and %(count)s = 0))
"""


def options(*, browser: bytes) -> dict[str, Any]:
    """Return what `navigator.credentials.get` needs: any discoverable passkey of ours, with user verification."""
    return {
        "challenge": ceremony.text_of(challenge.fresh(USE, browser=browser)),
        "rpId": ceremony.rp_id(),
        "userVerification": "required",
        "timeout": challenge.SECONDS * 1000,
    }


def prove(text: str, *, browser: bytes, source: str) -> Account:
    """Return the account that a passkey's answer opens, once.

    Raises `PasskeyRefused`, `ChallengeUnfit` and `TooManyGuesses`; a counter
    that does not rise betrays a copy, and that passkey is stopped.
    """
    credential = ceremony.read(text)
    held_id = _id(credential)
    counted = guesses.limits_of(f"passkey/{held_id.hex()}", source)
    challenge.spend(ceremony.challenge_in(credential), USE, browser=browser, guesses=counted)
    held, account = _of(held_id)
    count = _verified(credential, held, account)
    if not _advance(held.id, count):
        _suspect(held, account)
        raise PasskeyRefused
    guesses.forgive(f"passkey/{held_id.hex()}", source)
    return account


def _id(credential: dict[str, Any]) -> bytes:
    try:
        return ceremony.unpadded(credential["rawId"])
    except (KeyError, TypeError, ValueError):
        raise PasskeyRefused from None


def _of(credential_id: bytes) -> tuple[Authenticator, Account]:
    found = (
        session()
        .execute(
            select(Authenticator, Account)
            .join(Account, Account.id == Authenticator.account_id)
            .join(Person, Person.id == Account.person_id)
            .where(
                Authenticator.credential_id == credential_id,
                Authenticator.suspect_at.is_(None),
                Account.state == "active",
                Person.state == "active",
            )
        )
        .first()
    )
    if found is None:
        raise PasskeyRefused
    return found[0], found[1]


def _verified(credential: dict[str, Any], held: Authenticator, account: Account) -> int:
    handle = credential["response"].get("userHandle")
    if handle is not None and handle != ceremony.text_of(account.id.encode()):
        raise PasskeyRefused
    try:
        return verify_authentication_response(
            credential=credential,
            expected_challenge=ceremony.challenge_in(credential),
            expected_rp_id=ceremony.rp_id(),
            expected_origin=issuer(),
            credential_public_key=held.public_key or b"",
            # The counter is compared by the statement that writes it: no read decides what a write must decide.
            credential_current_sign_count=0,
            require_user_verification=True,
        ).new_sign_count
    except (WebAuthnException, ValueError, TypeError, KeyError):
        _note_refusal(account)
        raise PasskeyRefused from None


def _advance(authenticator_id: str, count: int) -> bool:
    """Take the counter forward; false when it did not rise, unless it has always been 0 (WebAuthn L3, 6.1.1)."""
    return (
        driver().execute(_ADVANCE, {"id": authenticator_id, "count": count, "now": now()}, prepare=True).rowcount == 1
    )


def _suspect(held: Authenticator, account: Account) -> None:
    with unit_of_work():
        session().execute(update(Authenticator).where(Authenticator.id == held.id).values(suspect_at=now()))
        audit.record("identity.passkey-suspect", subject=account.person_id, object=held.id, outcome="refused")
        telling.about(account.person_id, "passkey-suspect", name=held.name or "")


def _note_refusal(account: Account) -> None:
    with unit_of_work():
        audit.record("identity.log-in-refused", subject=account.person_id, outcome="refused")
