"""Turn the credential of a request into a Principal, without calling anyone for a known token."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

from flask import Flask, Request, current_app

from app.db import unit_of_work
from app.guards import CORE_AUDIENCE, Kind, Principal
from identity.oidc import jose, keys, presented
from identity.oidc.revocation import RevocationList, revocations
from identity.oidc.settings import CLOCK_SKEW_SECONDS, issuer, resource_of
from identity.oidc.tokens import ACCESS_TYPE
from identity.parties.directory import directory

_TYPES: frozenset[str | None] = frozenset({ACCESS_TYPE, f"application/{ACCESS_TYPE}"})
_PARTIES = (Kind.CITIZEN, Kind.ORGANISATION)
_TEXTS = ("iss", "aud", "sub", "client_id", "jti", "scope", "kind")


class Verifier:
    """The core's `TokenVerifier` for bearer tokens, key-bound tokens (DPoP) and browser sessions."""

    def verify(self, incoming: Request, *, audience: str) -> Principal | None:
        """Return who asks, None without a credential; raises `NotSignedIn`."""
        shown = presented.shown_by(incoming)
        if shown is None:
            return _by_cookie(incoming, audience)
        try:
            claims = claims_of(shown.token)
            if claims["aud"] != resource_of(audience):
                raise jose.BadToken("the token is for another audience")
        except jose.BadToken as error:
            raise presented.refused(shown.scheme, str(error)) from None
        presented.check_key(shown, claims, incoming)
        try:
            return principal_of(claims, audience)
        except jose.BadToken as error:
            raise presented.refused(shown.scheme, str(error)) from None

    def memory(self, app: Flask, *, audience: str) -> Callable[[str], Principal | None]:
        """Return what tells who holds a bearer token verified here before, neither expired nor withdrawn.

        It needs no app context; it says None for any doubt.
        """
        with app.app_context():
            held, ended, resource = _remembered(), revocations(), resource_of(audience)

        def recall(authorization: str) -> Principal | None:
            scheme, _, token = authorization.partition(" ")
            known = held.known(token) if scheme.lower() == "bearer" else None
            # A token bound to a key needs its proof, and an official's desks are read anew each time.
            if known is None or known.claims["aud"] != resource or "cnf" in known.claims:
                return None
            if known.claims["kind"] == Kind.OFFICIAL:
                return None
            if ended.fresh and known.who is not None:
                return None if _ended(known.claims, ended) else known.who
            with app.app_context(), unit_of_work(read_only=True):
                if _ended(known.claims, ended):
                    return None
                who = known.who or principal_of(known.claims, audience)
                if _lasting(who, known.claims):
                    known.who = who
                return who

        return recall


def _ended(claims: Mapping[str, Any], withdrawn: RevocationList) -> bool:
    present = time.time()
    return claims["exp"] <= present or claims["iat"] > present + CLOCK_SKEW_SECONDS or withdrawn.names(claims)


def _lasting(who: Principal, claims: Mapping[str, Any]) -> bool:
    # Whom the directory does not know yet, it may know later.
    unknown = who.kind in _PARTIES and who.party is None
    return not unknown and (who.organisation is not None or claims.get("org") is None)


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a live access token of ours; raises `jose.BadToken`."""
    claims = _remembered().get(token)
    if claims is None:
        claims = jose.verify(token, typ=_TYPES, find_key=_own_access_key)
        _check_shape(claims)
        _remembered().put(token, claims)
    _check_now(claims)
    return claims


def _check_shape(claims: Mapping[str, Any]) -> None:
    if not all(isinstance(claims.get(name), str) for name in _TEXTS):
        raise jose.BadToken("a claim is missing")
    if jose.moment(claims, "exp") is None or jose.moment(claims, "iat") is None:
        raise jose.BadToken("iat or exp is missing")
    if not isinstance(claims.get("sid"), str | None):
        raise jose.BadToken("sid does not name a family")
    if claims["iss"] != issuer():
        raise jose.BadToken("the token is from another issuer")
    if "act" in claims and not _is_act(claims["act"]):
        raise jose.BadToken("act does not say who acts")
    if claims["kind"] not in {kind.value for kind in Kind} - {Kind.SYSTEM.value}:
        raise jose.BadToken("an unknown kind of subject")


def _check_now(claims: Mapping[str, Any]) -> None:
    present = time.time()
    if claims["exp"] <= present:
        raise jose.BadToken("the token has expired")
    if claims["iat"] > present + CLOCK_SKEW_SECONDS:
        raise jose.BadToken("the token comes from the future")
    if revocations().names(claims):
        raise jose.BadToken("the token was withdrawn")


def principal_of(claims: Mapping[str, Any], audience: str) -> Principal:
    """Return the Principal a token speaks for; internal ids appear in the core only.

    Raises `jose.BadToken` when the post that an official's token stands on has ended.
    """
    kind, core = Kind(claims["kind"]), audience == CORE_AUDIENCE
    party = directory.party_of(claims["sub"], audience) if core and kind in _PARTIES else None
    act = claims.get("act", {})
    organisation = claims.get("org")
    if core and organisation is not None:
        organisation = directory.party_of(organisation, audience)
    proofing, authentication = _levels(claims.get("acr", ""))
    who = Principal(
        kind=kind,
        actor=_internal(act["sub"], core) if act else party or claims["sub"],
        acting_for=(party or claims["sub"]) if act else None,
        capacity=act.get("capacity"),
        evidence=_internal(act["evidence"], core) if "evidence" in act else None,
        subject=claims["sub"],
        party=party,
        organisation=organisation,
        terminal=claims["sub"] if kind is Kind.TERMINAL else None,
        place=claims.get("place"),
        client=claims["client_id"],
        scopes=frozenset(claims["scope"].split()),
        proofing_level=proofing,
        authentication_level=authentication,
        purpose=claims.get("purpose"),
        grant=claims.get("sid"),
        audience=audience,
        token_id=claims["jti"],
    )
    return _official(who, claims) if kind is Kind.OFFICIAL else who


def _official(who: Principal, claims: Mapping[str, Any]) -> Principal:
    from identity.staff.principals import of_token

    found = of_token(who, claims)
    if found is None:
        raise jose.BadToken("the post this token was given for has ended")
    return found


def _internal(pairwise: str, core: bool) -> str:
    return (directory.party_of(pairwise, CORE_AUDIENCE) or pairwise) if core else pairwise


def _is_act(act: object) -> bool:
    return (
        isinstance(act, dict)
        and isinstance(act.get("sub"), str)
        and all(isinstance(act.get(name, ""), str) for name in ("capacity", "evidence"))
    )


def _levels(acr: str) -> tuple[int, int]:
    proofing, _, authentication = acr.partition(".")
    if not proofing.startswith("ial") or not authentication.startswith("aal"):
        return 0, 0
    return int(proofing[3:]), int(authentication[3:])


def own_key(header: Mapping[str, Any], _: Mapping[str, Any]) -> jose.Key:
    """Return our key that a token's `kid` names; raises `jose.BadToken`."""
    kid = header.get("kid")
    if not isinstance(kid, str) or len(kid) > 64:
        raise jose.BadToken("kid is missing")
    held = _public_keys()
    read_at, key = held.get(kid, (float("-inf"), None))
    # A key leaves use within a minute of its end, and a forger's kid costs one short query.
    if time.monotonic() - read_at > 60:
        with unit_of_work(read_only=True):
            key = keys.public_key(kid)
        if key is not None:
            held[kid] = (time.monotonic(), key)
    if key is None:
        held.pop(kid, None)
        raise jose.BadToken("the key is not ours")
    return key


def _own_access_key(header: Mapping[str, Any], claims: Mapping[str, Any]) -> jose.Key:
    key = own_key(header, claims)
    # Our RSA key signs ID tokens for older clients and nothing else.
    if jose.algorithm_of(key) != jose.ALGORITHM:
        raise jose.BadToken("the algorithm of access tokens is ES256")
    return key


@dataclass(slots=True)
class _Known:
    claims: dict[str, Any]
    who: Principal | None = None


class _Remembered:
    """Verified claims by the token's SHA-256, the latest thousands of them."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._claims: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = Lock()

    def get(self, token: str) -> dict[str, Any] | None:
        """Return what was verified before; times and withdrawal are checked on every use."""
        found = self.known(token)
        return None if found is None else found.claims

    def known(self, token: str) -> _Known | None:
        """Return claims with the Principal once made of them."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            found = self._claims.get(digest)
            if found is not None and found.claims["exp"] <= time.time():
                del self._claims[digest]
                return None
            return found

    def put(self, token: str, claims: dict[str, Any]) -> None:
        """Keep claims; the oldest leave first."""
        with self._lock:
            self._claims[hashlib.sha256(token.encode()).digest()] = _Known(claims)
            while len(self._claims) > self._most:
                self._claims.popitem(last=False)


def _remembered() -> _Remembered:
    return cast(_Remembered, current_app.extensions.setdefault("identity.verified", _Remembered()))


def _public_keys() -> dict[str, tuple[float, jose.Key | None]]:
    return cast(dict[str, tuple[float, jose.Key | None]], current_app.extensions.setdefault("identity.public_keys", {}))


def _by_cookie(incoming: Request, audience: str) -> Principal | None:
    from identity.sessions.browser import principal_of_browser

    return principal_of_browser(incoming, audience)
