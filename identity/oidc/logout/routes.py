"""The end-session address and its page."""

from __future__ import annotations

from flask import Blueprint
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.guards import public, writes_on_get
from identity import pages
from identity.oidc.errors import OAuthError
from identity.oidc.logout import rp_initiated

blueprint = Blueprint("oauth2_logout", __name__)
blueprint.register_error_handler(OAuthError, pages.refusal)


class LogOut(MethodView):
    @writes_on_get
    @public(because="a true hint of this browser's session, or our own page, decides")
    def get(self) -> Response:
        return rp_initiated.begin()

    @public(because="it only turns a client's form into the same request by GET")
    def post(self) -> Response:
        return rp_initiated.repost()


class Decision(MethodView):
    @public(because="bound to the browser session and its form")
    def post(self) -> Response:
        return rp_initiated.decide()


blueprint.add_url_rule("/oauth2/logout", view_func=LogOut.as_view("end_session"))
blueprint.add_url_rule("/oauth2/logout/decision", view_func=Decision.as_view("end_session_decision"))
