"""A person's own account pages: apps let in, uses of one's data, export, erasure, in which capacity one acts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request
from flask import make_response as respond
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.errors import NotSignedIn, language
from app.guards import InsufficientAssurance, Kind, principal, public
from identity import activity
from identity.oidc import forms
from identity.privacy import consents, erasure, exports
from identity.privacy.parts import kept
from identity.privacy.routes import attachment
from identity.sessions import browser, service
from identity.sessions.service import Live
from identity.staff.capacities import staff_capacities
from identity.staff.service import work_for
from identity.wording import scopes_in_words

blueprint = Blueprint("account_pages", __name__, template_folder="templates")
_LAYOUTS = ["base.html", "identity/bare.html"]
_BECAUSE = "shows and changes what belongs to the browser's own session; forms are bound to it"


class Consents(MethodView):
    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = _citizen()
        if live is None:
            return _to_log_in()
        return _page("identity/consents.html", consents=consents.of(live.person_id), in_words=scopes_in_words)

    @public(because=_BECAUSE)
    def post(self) -> Response:
        live, params = _changing()
        consents.withdraw(live.person_id, params.get("client", ""))
        return redirect("/account/consents", 303)


class Activity(MethodView):
    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = _citizen()
        if live is None:
            return _to_log_in()
        action = request.args.get("action") or None
        others = request.args.get("others") == "1"
        found = activity.page_of(
            live.person_id, cursor=request.args.get("cursor"), limit=30, action=action, others_only=others
        )
        words = sorted((text.to(language()), key) for key, text in activity.words().items())
        return _page("identity/activity.html", found=found, action=action, others=others, words=words)


class Data(MethodView):
    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = _citizen()
        if live is None:
            return _to_log_in()
        return _page(
            "identity/data.html",
            strong=live.authentication_level > 1,
            exports=exports.of_own(live.person_id),
            request=erasure.open_request(live.person_id),
            kept=kept(),
        )

    @public(because=_BECAUSE)
    def post(self) -> Response:
        live, params = _changing()
        what = params.get("do", "")
        if what == "cancel-erasure":
            erasure.cancel(live.person_id)
            return redirect("/account/data", 303)
        if live.authentication_level < 2:
            raise InsufficientAssurance(authentication_level=2)
        if what == "fetch":
            return attachment(exports.fetch(live.person_id, params.get("export", "")))
        if what == "export":
            exports.ask(live.person_id)
        elif what == "erase":
            erasure.request(live.person_id)
        return redirect("/account/data", 303)


class Work(MethodView):
    @public(because=_BECAUSE)
    def get(self) -> Response:
        live = browser.live_session(request)
        if live is None:
            return _to_log_in()
        return _page("identity/work.html", posts=staff_capacities(live.person_id), present=live.staff_of)

    @public(because=_BECAUSE)
    def post(self) -> Response:
        params = forms.form(request)
        browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
        live = browser.live_session(request)
        if live is None:
            raise NotSignedIn
        work_for(live.id, live.person_id, params.get("organisation") or None)
        return redirect("/account/work", 303)


for _rule, _view in {"consents": Consents, "activity": Activity, "data": Data, "work": Work}.items():
    blueprint.add_url_rule(f"/account/{_rule}", view_func=_view.as_view(_rule))


def _citizen() -> Live | None:
    # Own affairs are a citizen's: whoever works for an organisation just now is asked to step out of it.
    live = browser.live_session(request)
    return live if live is not None and principal().kind is Kind.CITIZEN else None


def _changing() -> tuple[Live, dict[str, str]]:
    params = forms.form(request)
    browser.check_form(request, params.get(browser.CSRF_FIELD, ""))
    live = _citizen()
    if live is None:
        raise NotSignedIn
    return live, params


def _to_log_in() -> Response:
    if browser.live_session(request) is not None:
        return redirect("/account/work", 303)
    return redirect(f"/login?return_to={request.path}", 303)


def _page(template: str, **values: Any) -> Response:
    tongue = language()
    page = respond(
        render_template(
            template,
            layout=current_app.jinja_env.select_template(_LAYOUTS),
            csrf_token=service.form_token(browser.form_secret(request)),
            language=tongue,
            zh=not tongue.startswith("en"),
            **values,
        )
    )
    page.headers.update({"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"})
    return page
