"""Client metadata (RFC 7591, 2): Authlib's classes check the standard's shape, our rules what this city allows."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from authlib.oauth2.rfc7591 import ClientMetadataClaims
from authlib.oidc.registration import ClientMetadataClaims as OpenIDClaims
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from identity.oidc import jose
from identity.oidc.errors import OAuthError
from identity.oidc.keys import public_members
from identity.oidc.logout import egress
from identity.oidc.permitted import CIBA, DEVICE, EXCHANGE

AUTH_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")
_USUAL = ["authorization_code", "refresh_token"]
_OF_PERSONS = {"authorization_code", "refresh_token", DEVICE}
_OF_CONFIDENTIAL = {"client_credentials", CIBA, EXCHANGE}
_KNOWN = frozenset({
    "application_type", "authorization_details_types", "backchannel_logout_session_required", "backchannel_logout_uri",
    "client_id", "client_name", "client_name#en", "client_secret", "contacts", "grant_types",
    "id_token_signed_response_alg", "jwks", "post_logout_redirect_uris", "redirect_uris", "response_types", "scope",
    "software_id", "software_version", "subject_type", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg",
})  # fmt: skip
_MOST_URIS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a client says of itself, checked."""

    title_zh: str
    title_en: str
    auth_method: str
    grant_types: list[str]
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str | None
    scopes: list[str] | None
    detail_types: list[str]
    keys: dict[str, dict[str, Any]]


def checked(sent: Mapping[str, Any]) -> Metadata:
    """Return checked metadata; raises `invalid_client_metadata` or `invalid_redirect_uri` (3.2.2)."""
    if set(sent) - _KNOWN:
        raise _bad("a member is not supported here; see the guide of app developers")
    said = _by_authlib(sent)
    method = said.get("token_endpoint_auth_method", "private_key_jwt")
    grants = _grants(_texts(said, "grant_types") or list(_USUAL), method)
    _check_fixed(said)
    return Metadata(
        title_zh=_name(said, "client_name"),
        title_en=_name(said, "client_name#en", said.get("client_name")),
        auth_method=method,
        grant_types=grants,
        redirect_uris=_redirects(said, needed="authorization_code" in grants, native=method == "none"),
        post_logout_redirect_uris=_uris(said, "post_logout_redirect_uris", native=method == "none"),
        backchannel_logout_uri=_backchannel(said),
        scopes=_scopes(said),
        detail_types=_texts(said, "authorization_details_types"),
        keys=_keys(said, method),
    )


def _by_authlib(sent: Mapping[str, Any]) -> dict[str, Any]:
    _check_shapes(sent)
    usual = {"token_endpoint_auth_method": "private_key_jwt"}
    # Our rules for keys come first: Authlib would read secret keys, too.
    _keys(sent, "")
    # Authlib knows no address without a host; those of native apps (RFC 8252, 7.1) are ours alone to judge.
    hosted = {**sent, "redirect_uris": [uri for uri in _texts(sent, "redirect_uris") if "://" in uri]}
    for kind in (ClientMetadataClaims, OpenIDClaims):
        options = kind.get_claims_options(_OFFERED)
        claims = kind({**usual, **hosted}, {}, options)
        try:
            claims.validate()
        except (JoseError, ValueError, TypeError, AttributeError, KeyError) as error:
            # Authlib calls a wrong address `redirect_uris`; RFC 7591 has an error of its own for it.
            named = str(getattr(error, "claim", ""))
            raise _bad_redirect() if named == "redirect_uris" else _bad(f"{named or 'a member'} does not fit") from None
    return {**usual, **sent}


_OFFERED = {
    "response_types_supported": ["code"],
    "grant_types_supported": sorted(_OF_PERSONS | _OF_CONFIDENTIAL),
    "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
    "token_endpoint_auth_signing_alg_values_supported": [jose.ALGORITHM],
    "id_token_signing_alg_values_supported": [jose.ALGORITHM],
    "subject_types_supported": ["pairwise"],
}
_LISTS = ("redirect_uris", "post_logout_redirect_uris", "grant_types", "response_types", "contacts",
          "authorization_details_types")  # fmt: skip


def _check_shapes(sent: Mapping[str, Any]) -> None:
    """Raise before Authlib sees what it would take for granted: lists of texts are lists, texts are texts."""
    for name, value in sent.items():
        if name in _LISTS:
            _texts(sent, name)
        elif name not in ("jwks", "backchannel_logout_session_required") and not isinstance(value, str):
            raise _bad(f"{name} is a text")


def _check_fixed(said: Mapping[str, Any]) -> None:
    if said.get("token_endpoint_auth_method") not in AUTH_METHODS:
        raise _bad(f"token_endpoint_auth_method is one of {', '.join(AUTH_METHODS)}")
    if not isinstance(said.get("backchannel_logout_session_required", True), bool):
        raise _bad("backchannel_logout_session_required is true or false")


def _grants(asked: list[str], method: str) -> list[str]:
    allowed = _OF_PERSONS | (_OF_CONFIDENTIAL if method != "none" else set())
    if len(set(asked)) != len(asked) or not set(asked) <= allowed:
        raise _bad("a grant type is unknown, twice, or only for clients that authenticate")
    return asked


def _name(said: Mapping[str, Any], member: str, usual: str | None = None) -> str:
    name: Any = said.get(member, usual)
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name.strip()) <= 80:
        raise _bad("client_name is a name of at most 80 signs")
    return name.strip()


def _redirects(said: Mapping[str, Any], *, needed: bool, native: bool) -> list[str]:
    found = _uris(said, "redirect_uris", native=native)
    if needed and not found:
        raise _bad_redirect()
    return found


def _uris(said: Mapping[str, Any], member: str, *, native: bool) -> list[str]:
    found = _texts(said, member)
    if len(found) > _MOST_URIS or not all(_sound(each, native=native) for each in found):
        raise _bad_redirect() if member == "redirect_uris" else _bad(f"{member}: https addresses without a fragment")
    return found


def _sound(uri: str, *, native: bool) -> bool:
    """Tell whether people may be sent to this address: whole, by https, or a native app's own (RFC 8252, 7)."""
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(' \\*"<>`{}|^') and len(uri) <= 400
    try:
        parts = urlsplit(uri)
        valid_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not plain or not valid_port or parts.fragment or uri.endswith("#") or "@" in parts.netloc:
        return False
    if _climbs(parts.path):
        return False
    if parts.scheme == "https":
        return bool(parts.hostname) and "." in str(parts.hostname)
    return native and (_is_loopback(parts) or _is_private_scheme(parts))


def _climbs(path: str) -> bool:
    return any(each.partition(";")[0] in ("..", ".") for each in path.lower().replace("%2e", ".").split("/"))


def _is_loopback(parts: SplitResult) -> bool:
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _is_private_scheme(parts: SplitResult) -> bool:
    # RFC 8252, 7.1: a reversed domain name, so that it is nobody else's by chance.
    return "." in parts.scheme and not parts.netloc and parts.path.startswith("/")


def _backchannel(said: Mapping[str, Any]) -> str | None:
    address = said.get("backchannel_logout_uri")
    if address is None:
        return None
    try:
        egress.check(address)
    except egress.Forbidden as reason:
        raise _bad(f"backchannel_logout_uri: {reason}") from None
    return str(address)


def _scopes(said: Mapping[str, Any]) -> list[str] | None:
    return said["scope"].split() if "scope" in said else None


def _keys(said: Mapping[str, Any], method: str) -> dict[str, dict[str, Any]]:
    """Return public keys by their `kid`; private or weak ones are refused."""
    jwks = said.get("jwks", {"keys": []})
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_URIS or not all(isinstance(each, dict) for each in listed):
        raise _bad("jwks is a key set")
    found = dict(_key(each) for each in listed)
    if len(found) != len(listed) or (method == "private_key_jwt" and not found):
        raise _bad("private_key_jwt needs jwks with at least one key, each with its own kid")
    return found


def _key(jwk: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kid = jwk.get("kid")
    public = jwk.get("kty") == "EC" and jwk.get("crv") == "P-256" and "d" not in jwk
    fits = jwk.get("alg", jose.ALGORITHM) == jose.ALGORITHM and jwk.get("use", "sig") == "sig"
    if not public or not fits or not isinstance(kid, str) or not 1 <= len(kid) <= 128:
        raise _bad("a key is a public P-256 key for ES256 with a kid")
    try:
        return kid, public_members(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    except (JoseError, KeyError, ValueError, TypeError):
        raise _bad("a key cannot be read") from None


def _texts(said: Mapping[str, Any], name: str) -> list[str]:
    found = said.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _bad_redirect() if name == "redirect_uris" else _bad(f"{name} is a list of texts")
    return found


def _bad(reason: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", reason)


def _bad_redirect() -> OAuthError:
    return OAuthError("invalid_redirect_uri", "https addresses in full, without fragment, user or wildcard")
