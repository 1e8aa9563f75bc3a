"""The two halves of an outside log-in: send the browser away, and take it back."""

from __future__ import annotations

import time

from flask import Request

from app.db import outside_wait
from identity.accounts.models import Account
from identity.federation import links
from identity.federation.attempt import SECONDS, Attempt, take
from identity.federation.client import Outside, Proven
from identity.federation.errors import AnswerNotTrusted, ProviderDeclined
from identity.federation.providers import Provider, provider


def begin(key: str, *, return_to: str) -> tuple[str, Attempt]:
    """Return where to send the browser and what it must keep; raises `NotFound` or `ProviderSilent`."""
    with outside_wait():
        chosen = provider(key)
        with Outside(chosen) as outside:
            begun = outside.begin()
    attempt = Attempt(
        provider=key,
        issuer=chosen.issuer,
        state=begun.state,
        nonce=begun.nonce,
        verifier=begun.verifier,
        return_to=return_to,
        expires_at=time.time() + SECONDS,
    )
    return begun.address, attempt


def finish(key: str, incoming: Request, answer: dict[str, str]) -> tuple[Account, str]:
    """Return the account an answer opens and where its owner wanted to go.

    Raises `AnswerNotTrusted` for an answer this browser did not ask for, and
    the refusals of `Outside.redeem` and `links.account_of`.
    """
    attempt = take(incoming, key, answer.get("state", ""))
    with outside_wait():
        chosen = provider(key)
        if chosen.issuer != attempt.issuer:
            raise AnswerNotTrusted
        proven = _redeemed(chosen, attempt, answer)
    return links.account_of(chosen, proven), attempt.return_to


def _redeemed(chosen: Provider, attempt: Attempt, answer: dict[str, str]) -> Proven:
    with Outside(chosen) as outside:
        outside.check_issuer(answer.get("iss"))
        if "error" in answer:
            raise ProviderDeclined
        if "code" not in answer:
            raise AnswerNotTrusted
        return outside.redeem(answer["code"], nonce=attempt.nonce, verifier=attempt.verifier)
