"""Protocol addresses: metadata, keys, token, revocation, userinfo, authorization."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.views import MethodView
from werkzeug.wrappers import Response as AnyResponse

from app.guards import Kind, principal, public, require, writes_on_get
from identity.oidc import authorize, cors, dpop, introspection, keys, metadata, push, token, userinfo, withdraw
from identity.oidc.errors import OAuthError, refuse

blueprint = Blueprint("oauth2", __name__)
blueprint.register_error_handler(OAuthError, refuse)
blueprint.after_request(cors.opened)


class Metadata(MethodView):
    @public(because="RFC 8414 and OpenID Connect Discovery: clients read it before they have anything")
    def get(self) -> Response:
        return _cacheable(metadata.document(), seconds=300)


class KeySet(MethodView):
    @public(because="anyone may check our signatures")
    def get(self) -> Response:
        return _cacheable({"keys": keys.published()}, seconds=60)


class Token(MethodView):
    @public(because="RFC 6749: the client authenticates inside the request")
    def post(self) -> Response:
        return _with_nonce(_private(token.give()))


class Revocation(MethodView):
    @public(because="RFC 7009: the client authenticates inside the request")
    def post(self) -> Response:
        withdraw.withdraw()
        return _private({})


class Introspection(MethodView):
    @public(because="RFC 7662: the client authenticates inside the request")
    def post(self) -> Response:
        return _private(introspection.introspect())


class PushedRequest(MethodView):
    @public(because="RFC 9126: the client authenticates inside the request")
    def post(self) -> Response:
        answer = _with_nonce(_private(push.push()))
        answer.status_code = 201
        return answer


class UserInfo(MethodView):
    @require("openid", kinds=[Kind.CITIZEN])
    def get(self) -> Response:
        return _private(userinfo.claims(principal()))

    @require("openid", kinds=[Kind.CITIZEN])
    def post(self) -> Response:
        return _private(userinfo.claims(principal()))


class Authorize(MethodView):
    @writes_on_get
    @public(because="the person logs in on the way")
    def get(self) -> AnyResponse:
        return authorize.begin(request.query_string.decode("ascii", "replace"))

    @public(because="bound to the browser session and its form")
    def post(self) -> AnyResponse:
        return authorize.decide()


blueprint.add_url_rule("/.well-known/openid-configuration", view_func=Metadata.as_view("openid_configuration"))
blueprint.add_url_rule("/.well-known/oauth-authorization-server", view_func=Metadata.as_view("server_metadata"))
blueprint.add_url_rule("/oauth2/jwks", view_func=KeySet.as_view("jwks"))
blueprint.add_url_rule("/oauth2/token", view_func=Token.as_view("token"))
blueprint.add_url_rule("/oauth2/revoke", view_func=Revocation.as_view("revoke"))
blueprint.add_url_rule("/oauth2/introspect", view_func=Introspection.as_view("introspect"))
blueprint.add_url_rule("/oauth2/par", view_func=PushedRequest.as_view("par"))
blueprint.add_url_rule("/oauth2/userinfo", view_func=UserInfo.as_view("userinfo"))
blueprint.add_url_rule("/oauth2/authorize", view_func=Authorize.as_view("authorize"))


def _cacheable(body: dict[str, Any], *, seconds: int) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = f"public, max-age={seconds}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _private(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _with_nonce(answer: Response) -> Response:
    if "DPoP" in request.headers:
        # So that the next proof carries a good nonce at once (RFC 9449, 8.2).
        answer.headers[dpop.NONCE_HEADER] = dpop.fresh_nonce()
    return answer
