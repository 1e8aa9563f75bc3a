"""Which protocol answers a script of another origin may read: those that no cookie decides."""

from __future__ import annotations

from flask import Response, request

# What a client that runs in a browser calls by itself; its tokens and proofs are what counts there.
_OPEN = frozenset(
    {"/oauth2/token", "/oauth2/revoke", "/oauth2/userinfo", "/oauth2/par", "/oauth2/device_authorization"}
)
_HEADERS = "Authorization, Content-Type, DPoP"
_TOLD = "WWW-Authenticate, DPoP-Nonce, Retry-After"


def opened(answer: Response) -> Response:
    """Let any origin read the answer, never with credentials: browsers send no cookie then, or withhold the answer."""
    if request.path in _OPEN:
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Access-Control-Expose-Headers"] = _TOLD
        if request.method == "OPTIONS":
            answer.headers["Access-Control-Allow-Headers"] = _HEADERS
            answer.headers["Access-Control-Allow-Methods"] = answer.headers.get("Allow", "POST")
            answer.headers["Access-Control-Max-Age"] = "7200"
    return answer
