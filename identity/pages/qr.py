"""Log a screen in by a phone: the screen's pages, and the phone's."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.guards import public
from identity.authenticators.guesses import TooManyGuesses
from identity.authenticators.totp import picture
from identity.oidc.settings import issuer
from identity.pages.shown import form, page, signed_in
from identity.pages.visit import LevelOutOfReach, Visit, let_in
from identity.sessions import browser, cross_device
from identity.sessions.cross_device import CodeOver, NotApproved, WrongNumber


class Screen(MethodView):
    @public(because="bound to its form; shows a code that is worth nothing until a signed-in phone confirms it")
    def post(self) -> Response:
        visit = Visit.of(form())
        try:
            shown = cross_device.show(browser=browser.binding(request), where=browser.where(request))
        except TooManyGuesses as refused:
            return page("identity/login.html", status=refused.status, refused=refused, **visit.values())
        link = f"{issuer()}/account/qr/{shown.link}"
        return page(
            "identity/qr.html", visit=visit, shown=shown, link=link, picture=picture(link),
            seconds=int(cross_device.LIFETIME.total_seconds()),
        )  # fmt: skip


class Continue(MethodView):
    @public(because="bound to its form; the screen's secret and the phone's consent are the credential")
    def post(self) -> Response:
        params = form()
        visit, bound = Visit.of(params), browser.binding(request)
        try:
            account, proven = cross_device.enter(params.get("screen", ""), browser=bound, where=browser.where(request))
        except NotApproved as refused:
            return page(
                "identity/qr_waiting.html", status=refused.status, refused=refused, visit=visit,
                screen=params.get("screen", ""),
            )  # fmt: skip
        except CodeOver as refused:
            return page("identity/login.html", status=refused.status, refused=refused, **visit.values())
        if proven.authentication_level < visit.wanted.authentication:
            return page("identity/login.html", status=409, refused=LevelOutOfReach(), **visit.values())
        return let_in(account, proven, visit)


class State(MethodView):
    @public(because="bound to its form; tells a screen's own script whether to go on")
    def post(self) -> Response:
        state = cross_device.state(form().get("screen", ""), browser=browser.binding(request))
        answer = jsonify(state=state)
        answer.headers["Cache-Control"] = "no-store"
        return answer


class Phone(MethodView):
    @public(because="asks for the phone's own session itself")
    def get(self, link: str) -> Response:
        signed_in()
        try:
            asked = cross_device.asked(link, phone=browser.where(request))
        except (CodeOver, NotFound):
            return page("identity/qr_done.html", status=409, refused=CodeOver())
        return page("identity/qr_phone.html", asked=asked)

    @public(because="bound to the form of the phone's own session")
    def post(self, link: str) -> Response:
        live, params = signed_in(), form()
        try:
            if params.get("decision") != "approve":
                cross_device.deny(link)
                return page("identity/qr_done.html", denied=True)
            cross_device.approve(link, params.get("number", ""), who=live, phone=browser.where(request))
        except (CodeOver, WrongNumber, TooManyGuesses) as refused:
            return page("identity/qr_done.html", status=refused.status, refused=refused)
        except NotFound:
            return page("identity/qr_done.html", status=409, refused=CodeOver())
        return page("identity/qr_done.html")


def add_to(blueprint: Blueprint) -> None:
    """Add these pages."""
    blueprint.add_url_rule("/login/qr", view_func=Screen.as_view("qr"))
    blueprint.add_url_rule("/login/qr/continue", view_func=Continue.as_view("qr_continue"))
    blueprint.add_url_rule("/login/qr/state", view_func=State.as_view("qr_state"))
    blueprint.add_url_rule("/account/qr/<link>", view_func=Phone.as_view("qr_phone"))
