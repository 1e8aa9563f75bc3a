"""What features beside the core of the authorization server add to its metadata, each its own members."""

from __future__ import annotations

from typing import Any

from app.authorization_details import detail_types
from identity.oidc import jose
from identity.oidc.settings import endpoint


def more() -> dict[str, Any]:
    """Return the members of every feature."""
    return _decoupled() | _log_out() | _registration() | _details()


def _decoupled() -> dict[str, Any]:
    """RFC 8628, 4; OpenID CIBA Core 1.0, 4."""
    return {
        "device_authorization_endpoint": endpoint("device_authorization"),
        "backchannel_authentication_endpoint": endpoint("bc-authorize"),
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": [jose.ALGORITHM, jose.PS256],
        "backchannel_user_code_parameter_supported": False,
    }


def _log_out() -> dict[str, Any]:
    """RP-Initiated Logout 1.0, 2.1; Back-Channel Logout 1.0, 2.1."""
    return {
        "end_session_endpoint": endpoint("logout"),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _registration() -> dict[str, Any]:
    """RFC 8414, 2."""
    return {"registration_endpoint": endpoint("register")}


def _details() -> dict[str, Any]:
    """RFC 9396, 10."""
    return {"authorization_details_types_supported": sorted(detail_types.all())}
