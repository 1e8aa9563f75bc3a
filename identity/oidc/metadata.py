"""What this authorization server can do (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.guards import access_of
from identity.oidc.grants import GRANTS
from identity.oidc.jose import ALGORITHM
from identity.oidc.settings import issuer


def document() -> dict[str, Any]:
    """Return the metadata document; it names only what works."""
    base = issuer()
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "token_endpoint": f"{base}/oauth2/token",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "userinfo_endpoint": f"{base}/oauth2/userinfo",
        "jwks_uri": f"{base}/oauth2/jwks",
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted(GRANTS),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "revocation_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": ["sub", "name", "acr", "auth_time", "phone_number_tail"],
        "prompt_values_supported": ["none", "login", "consent"],
        "ui_locales_supported": ["zh-CN", "en"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def scopes() -> list[str]:
    """Return every scope that a mounted route asks for, that a plugin declares, and the protocol's own."""
    registry = current_app.extensions.get("suxin.registry")
    offered = {scope for plugin in getattr(registry, "mounted", ()) for scope in plugin.scopes}
    for rule in current_app.url_map.iter_rules():
        for method in rule.methods or ():
            access = access_of(current_app.view_functions[rule.endpoint], method)
            offered.update(access.scopes if access is not None else ())
    return sorted(offered | {"openid", "profile"})
