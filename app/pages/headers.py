"""Security headers of every answer; a page that needs more says so before this adds the rest."""

from __future__ import annotations

from flask import Flask, Response, g, request

_OWN = ("default-src 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'")
_IMAGES = "img-src 'self' data: blob:"
_FORMS = "form-action 'self'"
# The browser applies form-action to redirects too, and log-in ends at the address of the client's app.
_LEAVES_BY_FORM = ("/login", "/oauth2/")
_DOCS = "/docs"
_QUIET = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


def install(app: Flask) -> None:
    """Add the headers to every answer of the app."""
    app.after_request(_add)


def allow_camera() -> None:
    """Let the page that is being answered use the camera; no other page may."""
    g.camera_allowed = True


def _add(answer: Response) -> Response:
    camera = _QUIET.replace("camera=()", "camera=(self)") if g.get("camera_allowed") else _QUIET
    answer.headers.setdefault("Content-Security-Policy", policy(request.path))
    answer.headers.setdefault("Permissions-Policy", camera)
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Referrer-Policy", "same-origin")
    answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    answer.headers.setdefault("X-Frame-Options", "DENY")
    return answer


def policy(path: str) -> str:
    """Return the content security policy of an address."""
    rules = [*_OWN, _IMAGES]
    if not path.startswith(_LEAVES_BY_FORM):
        rules.append(_FORMS)
    if path == _DOCS or path.startswith(_DOCS + "/"):
        # Swagger UI writes style attributes; it runs no inline script.
        rules.append("style-src 'self' 'unsafe-inline'")
    return "; ".join(rules)
