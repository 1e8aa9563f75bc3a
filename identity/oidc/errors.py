"""Protocol errors in the shape OAuth gives them (RFC 6749, 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, jsonify


class OAuthError(Exception):
    """A refusal at a protocol endpoint; `description` helps developers and names no person."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})


def refuse(error: OAuthError) -> Response:
    """Return the JSON answer of a refusal."""
    answer = jsonify(error=error.error, error_description=error.description)
    answer.status_code = error.status
    answer.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = f'Bearer error="{error.error}"'
    answer.headers.update(error.headers)
    return answer
