"""A person with a browser without scripts: logs in, consents, logs out, through whatever forms the city shows."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from tests.served import City

_MOST_PAGES = 12


class Citizen:
    """One demo person in one browser; `visit` is all a client ever asks of them."""

    def __init__(self, city: City, key: str = "lin") -> None:
        self.city, self.person = city, city.person(key)
        self.http = httpx.Client(timeout=20, trust_env=False, headers={"Accept-Language": "en"})

    def visit(self, address: str) -> str:
        """Open an address and fill in every form until the browser is sent away from the city, or a page has none."""
        return self._go_on(self.http.get(address))

    def type_code(self, address: str, name: str, value: str) -> str:
        """Type one value (a device's user code) into the form that asks for it, then go on as `visit` does."""
        answer = self.http.get(address, follow_redirects=True)
        if not any(name in form.fields for form in forms_of(answer.text)):
            self.visit(address)
            answer = self.http.get(address, follow_redirects=True)
        form = next(each for each in forms_of(answer.text) if name in each.fields)
        how = "data" if form.method == "POST" else "params"
        return self._go_on(
            self.http.request(form.method, urljoin(str(answer.url), form.action), **{how: form.fields | {name: value}})
        )

    def _go_on(self, answer: httpx.Response) -> str:
        for _ in range(_MOST_PAGES):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if not self._ours(target):
                    return target
                answer = self.http.get(target)
                continue
            assert answer.status_code == 200, f"{answer.url.path}: {answer.status_code} {answer.text[:600]}"
            form = next((each for each in forms_of(answer.text) if self._wanted(each)), None)
            if form is None:
                return str(answer.url)
            answer = self.http.post(urljoin(str(answer.url), form.action), data=form.fields | self._typed(form))
        raise AssertionError(f"the city never came to an end: {answer.url}")

    def _typed(self, form: Form) -> dict[str, str]:
        """Return what this person types and which button they press."""
        names = self.city.world["form_fields"]["log_in"]
        typed = {names["login_name"]: self.person["login_name"], names["password"]: self.person["password"]}
        pressed = form.button("approve") or form.button("yes") or form.button("")
        return {name: value for name, value in typed.items() if name in form.fields} | (pressed or {})

    def _wanted(self, form: Form) -> bool:
        # The header's own forms (language, size, log-out) and other ways to log in are not what a client waits for.
        names = self.city.world["form_fields"]["log_in"]
        return form.in_main and (
            {names["login_name"], names["password"]} <= set(form.fields) or form.button("approve") is not None
            or urlsplit(form.action).path.startswith("/oauth2/")
        )  # fmt: skip

    def _ours(self, target: str) -> bool:
        return urlsplit(target)[:2] == urlsplit(self.city.base)[:2]


class Form:
    """A form as a browser without scripts holds it."""

    def __init__(self, attributes: dict[str, str], *, in_main: bool) -> None:
        self.action, self.method = attributes.get("action", ""), attributes.get("method", "get").upper()
        self.in_main = in_main
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []

    def button(self, value: str) -> dict[str, str] | None:
        """Return what pressing a button of that value (any: empty) sends, None without such a button."""
        found = next((each for each in self.buttons if value in ("", each[1])), None)
        return None if found is None else ({found[0]: found[1]} if found[0] else {})


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside, self._main = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._main = True
        elif tag == "form":
            self._inside = True
            self.found.append(Form(given, in_main=self._main))
        elif self._inside and tag == "button" and given.get("type", "submit") == "submit":
            self.found[-1].buttons.append((given.get("name", ""), given.get("value", "")))
        elif self._inside and tag == "input" and given.get("name") and _sent(given):
            self.found[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._main = self._main and tag != "main"


def _sent(given: dict[str, Any]) -> bool:
    return given.get("type") not in ("checkbox", "radio") or "checked" in given


def forms_of(page: str) -> list[Form]:
    """Return every form of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found
