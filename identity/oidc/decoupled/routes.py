"""Addresses of the decoupled flows: where programs ask, and where people decide."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from flask.views import MethodView
from werkzeug.wrappers import Response as AnyResponse

from app.guards import public
from identity.oidc import cors
from identity.oidc.decoupled import ciba, device, pages
from identity.oidc.errors import OAuthError, refuse

blueprint = Blueprint("oauth2_decoupled", __name__)
blueprint.register_error_handler(OAuthError, refuse)
blueprint.after_request(cors.opened)
_FORM = "bound to the browser session and its form"


class DeviceAuthorization(MethodView):
    @public(because="RFC 8628: the client names itself, or authenticates, inside the request")
    def post(self) -> Response:
        return _private(device.begin())


class BackchannelAuthentication(MethodView):
    @public(because="CIBA Core: the client authenticates inside the request")
    def post(self) -> Response:
        return _private(ciba.begin())


class Device(MethodView):
    @public(because="a person without a session is sent to log in")
    def get(self) -> AnyResponse:
        return pages.ask_code()

    @public(because=_FORM)
    def post(self) -> AnyResponse:
        return pages.show_device()


class DeviceDecision(MethodView):
    @public(because=_FORM)
    def post(self) -> AnyResponse:
        return pages.decide_device()


class Approvals(MethodView):
    @public(because="a person without a session is sent to log in")
    def get(self) -> AnyResponse:
        return pages.approvals()

    @public(because=_FORM)
    def post(self) -> AnyResponse:
        return pages.decide_approval()


blueprint.add_url_rule("/oauth2/device_authorization", view_func=DeviceAuthorization.as_view("device_authorization"))
blueprint.add_url_rule("/oauth2/bc-authorize", view_func=BackchannelAuthentication.as_view("bc_authorize"))
blueprint.add_url_rule("/device", view_func=Device.as_view("device"))
blueprint.add_url_rule("/device/decision", view_func=DeviceDecision.as_view("device_decision"))
blueprint.add_url_rule("/approvals", view_func=Approvals.as_view("approvals"))


def _private(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.headers["Cache-Control"] = "no-store"
    return answer
