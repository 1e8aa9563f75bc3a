"""What this authorization server can do (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.guards import access_of
from identity.oidc import dpop, jose, keys, tokens
from identity.oidc.features import more
from identity.oidc.grants import GRANTS, capability
from identity.oidc.settings import endpoint, issuer

AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")


def document() -> dict[str, Any]:
    """Return the metadata document; it names only what works."""
    methods = list(AUTH_METHODS)
    algorithms = [jose.ALGORITHM, jose.PS256]
    return {
        "issuer": issuer(),
        "authorization_endpoint": endpoint("authorize"),
        "pushed_authorization_request_endpoint": endpoint("par"),
        "token_endpoint": endpoint("token"),
        "revocation_endpoint": endpoint("revoke"),
        "introspection_endpoint": endpoint("introspect"),
        "userinfo_endpoint": endpoint("userinfo"),
        "jwks_uri": endpoint("jwks"),
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted([*GRANTS, *capability.names()]),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(keys.ALGORITHMS),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [each for each in methods if each != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "acr_values_supported": [tokens.acr(proofing, level) for proofing in range(2, 6) for level in (1, 2)],
        "claims_supported": ["sub", "name", "acr", "auth_time", "phone_number_tail"],
        "claims_parameter_supported": False,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["zh-CN", "en"],
        "request_parameter_supported": False,
        # Those of PAR only: an address of the client's is never fetched (RFC 9126, 5).
        "request_uri_parameter_supported": False,
    } | more()


def scopes() -> list[str]:
    """Return every scope that a mounted route asks for, that a plugin declares, and the protocol's own."""
    registry = current_app.extensions.get("suxin.registry")
    offered = {scope for plugin in getattr(registry, "mounted", ()) for scope in plugin.scopes}
    for rule in current_app.url_map.iter_rules():
        for method in rule.methods or ():
            access = access_of(current_app.view_functions[rule.endpoint], method)
            offered.update(access.scopes if access is not None else ())
    return sorted(offered | {"openid", "profile", "phone", "offline_access"})
