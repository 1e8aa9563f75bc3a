"""Pages: register, and one's own proofing."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, request
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import DomainError, NotFound, language
from app.guards import public
from app.identifiers.area import names as area_names
from app.text import Text
from identity.account_forms import done, himself, posted, signed_in, to_log_in
from identity.authenticators import guesses
from identity.proofing import levels, service
from identity.proofing.errors import IdentifierUnusable
from identity.proofing.registration import Application, register
from identity.proofing.routes import shown
from identity.proofing.terms import Document
from identity.sessions import browser
from identity.sessions import service as sessions
from identity.showing import page

blueprint = Blueprint("identity_proofing_pages", __name__, template_folder="../templates")
_COUNTIES = ("321302", "321311", "321322", "321323", "321324")
_KEPT = ("login_name", "area")
_OUTCOMES = {
    "raised": Text("通过", "passed"),
    "confirmed": Text("复核一致", "confirmed"),
    "refused": Text("未通过", "refused"),
    "not_matched": Text("登记不一致，等级降低", "no longer matches; level fell"),
    "deceased": Text("登记已注销", "struck off"),
    "taken_over": Text("号码由本人重新认证，等级降低", "its owner proved the number; level fell"),
}


class Register(MethodView):
    @public(because="nobody has an account before")
    def get(self) -> Response:
        return _register({}, None)

    @public(because="bound to its form; attempts of one source are counted")
    def post(self) -> Response:
        params = posted()
        try:
            guesses.admit("register", request.remote_addr or "")
            made = register(_application(params))
        except DomainError as refused:
            return _register(params, refused)
        answer = redirect("/account/proofing", 303)
        browser.remember_session(answer, sessions.begin(made.account, authentication_level=1))
        answer.headers["Cache-Control"] = "no-store"
        return answer


class Proofing(MethodView):
    @public(because="shows what belongs to the browser's own session")
    def get(self) -> Response:
        live = signed_in()
        return _proofing(live.person_id, None) if live is not None else to_log_in()


class Step(MethodView):
    @public(because="changes what belongs to the browser's own session; forms are bound to it")
    def post(self, step: str) -> Response:
        live = signed_in()
        if live is None:
            return to_log_in()
        params = posted()
        with himself(live):
            return done(
                lambda: _step(live.person_id, step, params),
                lambda refused: _proofing(live.person_id, refused),
                then="/account/proofing",
            )


def _step(person_id: str, step: str, params: dict[str, str]) -> object:
    if step == "match":
        return service.match(person_id)
    if step == "document":
        return service.show_document(person_id, _document(params))
    if step == "network-identity":
        return service.show_ticket(person_id, params.get("ticket", ""))
    if step != "network-identity/forget":
        raise NotFound
    service.forget_network_identity(person_id)
    return None


def _document(params: dict[str, str]) -> Document:
    try:
        return Document(params.get("serial", ""), date.fromisoformat(params.get("valid_until", "")))
    except ValueError:
        raise IdentifierUnusable(errors={"valid_until": ["write a date"]}) from None


def _application(params: dict[str, str]) -> Application:
    fields = ("login_name", "password", "name", "resident_id", "mobile", "area")
    return Application(**{name: params.get(name, "") for name in fields})


def _register(params: dict[str, str], refused: DomainError | None) -> Response:
    areas = [(code, area_names()[code]) for code in _COUNTIES]
    kept = {name: params[name] for name in _KEPT if name in params}
    status = refused.status if refused is not None else 200
    return page("identity/register.html", status=status, refused=refused, areas=areas, kept=kept)


def _proofing(person_id: str, refused: DomainError | None) -> Response:
    tongue = language()
    ways = (levels.SELF, *levels.OFFERED, levels.GUARDIAN)
    return page(
        "identity/proofing.html",
        status=refused.status if refused is not None else 200,
        refused=refused,
        proofing=shown(person_id),
        methods={way.method: way.title.to(tongue) for way in ways},
        outcomes={name: text.to(tongue) for name, text in _OUTCOMES.items()},
    )


blueprint.add_url_rule("/register", view_func=Register.as_view("register"))
blueprint.add_url_rule("/account/proofing", view_func=Proofing.as_view("proofing"))
blueprint.add_url_rule("/account/proofing/<path:step>", view_func=Step.as_view("step"))
