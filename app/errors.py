"""Problems as RFC 9457 describes them: domain errors in, `application/problem+json` out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from app.text import Text

PROBLEM_JSON = "application/problem+json"
# Where the pages leave the function that makes a page of a problem's body.
PAGE = "suxin.error_page"
_PROGRAMS = ("/api/", "/oauth2/")


class DomainError(Exception):
    """Base of every error a caller can do something about.

    A subclass states its HTTP status, its title and the next step; the
    `type` is its name in kebab case below `/problems/`. `members` are extra
    facts for programs (RFC 9457, 3.2) and must hold no personal data.
    """

    status: ClassVar[int] = 400
    title: ClassVar[Text] = Text("请求有误", "The request is wrong")
    next_step: ClassVar[Text] = Text("请按接口文档更正后重试", "Correct it as the API documentation says and try again")

    def __init__(self, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(self.title.en)
        self.members = members
        self.headers = dict(headers or {})

    @classmethod
    def slug(cls) -> str:
        """Return the stable last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class InvalidRequest(DomainError):
    status = 422
    title = Text("提交的内容不符合要求", "What was sent does not fit the schema")
    next_step = Text("请按 errors 中的提示更正", "Correct the fields named in `errors`")


class MalformedRequest(DomainError):
    status = 400
    title = Text("无法读取请求", "The request cannot be read")


class NotSignedIn(DomainError):
    status = 401
    title = Text("需要登录", "Authentication is required")
    next_step = Text("请重新获取访问令牌", "Obtain a new access token")


class NotAllowed(DomainError):
    status = 403
    title = Text("没有权限", "This is not allowed")
    next_step = Text("请申请所需权限或提高认证等级", "Ask for the scope or assurance named in this answer")


class NotFound(DomainError):
    status = 404
    title = Text("没有找到", "There is nothing here")
    next_step = Text("请检查编号", "Check the identifier")


class MethodNotAllowed(DomainError):
    status = 405
    title = Text("不支持此方法", "This method is not offered here")
    next_step = Text("请使用 Allow 中列出的方法", "Use one of the methods in `Allow`")


class Conflict(DomainError):
    status = 409
    title = Text("与当前状态冲突", "This conflicts with the present state")
    next_step = Text("请重新读取后再试", "Read the present state and decide again")


class TooLarge(DomainError):
    status = 413
    title = Text("内容过大", "The content is too large")
    next_step = Text("请缩小后重试", "Send something smaller")


class UnsupportedMediaType(DomainError):
    status = 415
    title = Text("不支持的内容类型", "This media type is not accepted")
    next_step = Text("请按接口文档设置 Content-Type", "Set Content-Type as the API documentation says")


class TooManyRequests(DomainError):
    status = 429
    title = Text("请求过多", "Too many requests")
    next_step = Text("请在 Retry-After 之后重试", "Try again after Retry-After")


class Unavailable(DomainError):
    status = 503
    title = Text("暂时无法服务", "Not available right now")
    next_step = Text("请在 Retry-After 之后重试", "Try again after Retry-After")


class InternalError(DomainError):
    status = 500
    title = Text("系统出错", "Something went wrong on our side")
    next_step = Text("请稍后重试，并提供 request_id", "Try again later and quote `request_id`")


_BY_STATUS: dict[int, type[DomainError]] = {
    each.status: each
    for each in (
        MalformedRequest, NotSignedIn, NotAllowed, NotFound, MethodNotAllowed, Conflict, TooLarge,
        UnsupportedMediaType, InvalidRequest, TooManyRequests, InternalError, Unavailable,
    )
}  # fmt: skip


def language() -> str:
    """Return the reader's language, `zh-CN` or `en`: chosen on our pages, else from Accept-Language."""
    if not has_request_context():
        return "zh-CN"
    chosen = request.cookies.get("suxin-language")
    if chosen in ("zh-CN", "en"):
        return chosen
    return request.accept_languages.best_match(["zh-CN", "zh", "en"], default="zh-CN") or "zh-CN"


def problem(error: DomainError) -> Response:
    """Return the answer for an error, in the reader's language."""
    tongue = language()
    body = {
        "type": f"{current_app.config['SETTINGS'].base_url}/problems/{error.slug()}",
        "title": error.title.to(tongue),
        "status": error.status,
        "next_step": error.next_step.to(tongue),
        "request_id": g.get("request_id"),
        **error.members,
    }
    answer = _worded(body)
    answer.headers["Content-Language"] = tongue
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.extend(error.headers)
    return answer


def _worded(body: dict[str, Any]) -> Response:
    page = current_app.extensions.get(PAGE)
    if page is not None and _asks_for_a_page():
        return Response(page(body), status=body["status"], content_type="text/html; charset=utf-8")
    # Errors inside lists carry their place, a number, as the key.
    text = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(text, status=body["status"], content_type=PROBLEM_JSON)


def _asks_for_a_page() -> bool:
    """Whether a person reads the answer in a browser; programs always get JSON below /api and /oauth2."""
    if not has_request_context() or request.path.startswith(_PROGRAMS):
        return False
    # What browsers send for a page; a program that also takes HTML names JSON first, or anything.
    return request.headers.get("Accept", "").lower().startswith("text/html")


def install(app: Flask) -> None:
    """Make the app answer every error as a problem."""
    app.register_error_handler(DomainError, problem)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _unexpected)


def _from_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response if isinstance(error.response, Response) else Response(status=error.code)
    if error.code is not None and 300 <= error.code < 400:
        return Response(status=error.code, headers=error.get_headers())
    kind = _BY_STATUS.get(error.code or 500, InternalError if (error.code or 500) >= 500 else MalformedRequest)
    members = _field_errors(error)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    # smorest raises its own 405 without `valid_methods`, yet RFC 9110 15.5.6 wants `Allow`.
    if kind is MethodNotAllowed and "Allow" not in headers and has_request_context():
        adapter = current_app.create_url_adapter(request)
        headers["Allow"] = ", ".join(sorted(adapter.allowed_methods())) if adapter else ""
    return problem(kind(headers=headers, **members))


def _field_errors(error: HTTPException) -> dict[str, Any]:
    data = getattr(error, "data", None)
    if not isinstance(data, dict) or "messages" not in data:
        return {}
    return {"errors": data["messages"]}


def _unexpected(error: Exception) -> Response:
    # Only the kind is logged by `telemetry`: an exception's text may quote what a person typed.
    current_app.extensions["suxin.unexpected"](error)
    return problem(InternalError())
