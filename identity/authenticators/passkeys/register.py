"""Register a passkey (WebAuthn L3, 7.1): discoverable, with user verification, no attestation asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from webauthn import verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.exceptions import WebAuthnException

from app import audit
from app.db import add, session
from app.errors import Conflict
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import telling
from identity.authenticators.models import Authenticator
from identity.authenticators.passkeys import ceremony, challenge
from identity.authenticators.passkeys.ceremony import PasskeyRefused
from identity.oidc.settings import issuer

KIND = "passkey"
MOST = 10
_ALGORITHMS = [Algorithm.ECDSA_SHA_256, Algorithm.EDDSA, Algorithm.RSASSA_PKCS1_v1_5_SHA_256]


class TooManyPasskeys(Conflict):
    title = Text("通行密钥数量已达上限", "There are as many passkeys as an account can hold")
    next_step = Text("请先移除不再使用的通行密钥", "Remove one that you no longer use first")


class PasskeyKnown(Conflict):
    title = Text("此通行密钥已添加", "This passkey is registered already")
    next_step = Text("请使用其他设备", "Use another device")


def options(account: Account, *, browser: bytes) -> dict[str, Any]:
    """Return what `navigator.credentials.create` needs; raises `TooManyPasskeys`."""
    held = list(
        session().scalars(
            select(Authenticator.credential_id).where(
                Authenticator.account_id == account.id, Authenticator.kind == KIND
            )
        )
    )
    if len(held) >= MOST:
        raise TooManyPasskeys
    return {
        "rp": {"id": ceremony.rp_id(), "name": "Suxin"},
        "user": {
            "id": ceremony.text_of(account.id.encode()),
            "name": account.login_name,
            "displayName": account.login_name,
        },
        "challenge": ceremony.text_of(challenge.fresh(_use(account), browser=browser)),
        "pubKeyCredParams": [{"type": "public-key", "alg": int(each)} for each in _ALGORITHMS],
        "timeout": challenge.SECONDS * 1000,
        "excludeCredentials": [{"type": "public-key", "id": ceremony.text_of(each)} for each in held if each],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def register(account: Account, text: str, *, name: str, browser: bytes) -> Authenticator:
    """Keep a new passkey; raises `PasskeyRefused`, `PasskeyKnown`, and `ChallengeUnfit` for a second use."""
    credential = ceremony.read(text)
    challenge.spend(ceremony.challenge_in(credential), _use(account), browser=browser)
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=ceremony.challenge_in(credential),
            expected_rp_id=ceremony.rp_id(),
            expected_origin=issuer(),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        raise PasskeyRefused from None
    made = Authenticator(
        account_id=account.id, kind=KIND, name=name, credential_id=verified.credential_id,
        public_key=verified.credential_public_key, sign_count=verified.sign_count,
    )  # fmt: skip
    try:
        with session().begin_nested():
            add(made)
    except IntegrityError:
        # WebAuthn L3, 7.1 step 26: one credential id belongs to one account only.
        raise PasskeyKnown from None
    audit.record("identity.authenticator-added", subject=account.person_id, object=made.id, details={"kind": KIND})
    telling.about(account.person_id, "authenticator-added", name=name)
    return made


def _use(account: Account) -> str:
    return f"register/{account.id}"
