"""Addresses of dynamic registration."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.views import MethodView

from app.guards import public
from identity.oidc.errors import OAuthError, refuse
from identity.oidc.registration import service
from identity.oidc.registration.invites import unknown_token

blueprint = Blueprint("oauth2_registration", __name__)
blueprint.register_error_handler(OAuthError, refuse)
_OWN = "RFC 7592: the registration access token is checked inside"
_LONGEST = 20_000


class Registration(MethodView):
    @public(because="RFC 7591: the initial access token is checked inside")
    def post(self) -> Response:
        return _private(service.register(_bearer(), _body()), status=201)


class Entry(MethodView):
    @public(because=_OWN)
    def get(self, client_id: str) -> Response:
        return _private(service.read(client_id, _bearer()))

    @public(because=_OWN)
    def put(self, client_id: str) -> Response:
        return _private(service.change(client_id, _bearer(), _body()))

    @public(because=_OWN)
    def delete(self, client_id: str) -> Response:
        service.delete(client_id, _bearer())
        return Response(status=204, headers={"Cache-Control": "no-store"})


blueprint.add_url_rule("/oauth2/register", view_func=Registration.as_view("register"))
blueprint.add_url_rule("/oauth2/register/<client_id>", view_func=Entry.as_view("register_entry"))


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
        raise unknown_token()
    return token


def _body() -> dict[str, Any]:
    if request.mimetype != "application/json" or (request.content_length or 0) > _LONGEST:
        raise OAuthError("invalid_client_metadata", "send one JSON object of at most 20,000 bytes")
    try:
        found = json.loads(request.get_data(), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OAuthError("invalid_client_metadata", "the body is no JSON object with each member once")
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _private(body: dict[str, Any], *, status: int = 200) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer
