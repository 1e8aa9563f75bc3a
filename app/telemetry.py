"""What operators see: structured logs without personal data, metrics, trace ids, health."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.guards import public
from app.ids import new_id

REGISTRY = CollectorRegistry()
REQUESTS = Counter("suxin_requests_total", "Requests answered", ["route", "method", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "suxin_request_seconds", "Time to answer", ["route"], registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip
# Spans go where the process's OpenTelemetry SDK sends them; without one they cost next to nothing.
_tracer = trace.get_tracer("suxin")
_CONTEXT = TraceContextTextMapPropagator()
# 15 or 18 digits, an 11-digit mobile number, a compact JWS: none belongs in a log line.
_IDENTITY = re.compile(r"(?<!\w)(?:\d{17}[\dXx]|\d{15}|1\d{10}|eyJ[\w-]+\.[\w-]+\.[\w-]*)(?!\w)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
log = structlog.get_logger("web")


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Replace identities and control signs in every text of a log line."""
    return {name: _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    return _CONTROL.sub("�", _IDENTITY.sub("[redacted]", value)) if isinstance(value, str) else value


def configure_logs(level: str) -> None:
    """Print one JSON line per event on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            scrub,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def install(app: Flask) -> None:
    """Give every request an id, a log line and a measurement."""
    configure_logs(app.config["SETTINGS"].log_level)
    app.before_request(_begin)
    app.after_request(_end)
    app.extensions["suxin.unexpected"] = _unexpected
    app.add_url_rule("/metrics", "metrics", _metrics)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = new_id("request")
    g.span = _tracer.start_span(_route(), kind=trace.SpanKind.SERVER, context=_CONTEXT.extract(request.headers))
    span = g.span.get_span_context()
    g.trace_id = f"{span.trace_id:032x}" if span.is_valid else None
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.trace_id)


def _end(answer: Response) -> Response:
    route = _route()
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    REQUESTS.labels(route, request.method, answer.status_code).inc()
    SECONDS.labels(route).observe(seconds)
    if "span" in g:
        g.span.set_attribute("http.response.status_code", answer.status_code)
        g.span.end()
    answer.headers["X-Request-Id"] = g.get("request_id", "")
    log.info("request", route=route, method=request.method, status=answer.status_code, ms=round(seconds * 1000, 2))
    return answer


def _route() -> str:
    # The rule, not the path: a path may carry an identifier someone typed.
    return request.url_rule.rule if request.url_rule is not None else "(none)"


def _unexpected(error: Exception) -> None:
    frames = []
    step = error.__traceback__
    while step is not None:
        frames.append(f"{step.tb_frame.f_globals.get('__name__')}:{step.tb_lineno}")
        step = step.tb_next
    # Neither message nor locals: they may quote what a person typed.
    log.error("unexpected", kind=type(error).__name__, where=" > ".join(frames[-8:]))


@public(because="figures hold no personal data; reachable from the operators' network only")
def _metrics() -> Response:
    return Response(generate_latest(_all_processes()), content_type=CONTENT_TYPE_LATEST)


def _all_processes() -> CollectorRegistry:
    # Each web process counts for itself in a file; whichever answers adds them up.
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
