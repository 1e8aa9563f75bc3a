"""Why a plugin is not served: the stage that stopped it and one sentence."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where on the way from entry point to served routes a plugin was stopped."""

    IMPORT = "import"
    OBJECT = "object"
    CORE_TOO_OLD = "core-too-old"
    CORE_TOO_NEW = "core-too-new"
    NAME = "name"
    CONTRACT = "contract"
    TASKS = "tasks"
    DECLARATIONS = "declarations"
    HOOKS = "hooks"
    PREFIX = "prefix"
    ROUTES = "routes"
    ACCESS = "access"
    OPENAPI = "openapi"
    PORTS = "ports"
    MIGRATION = "migration"
    MOUNT = "mount"


class Refused(Exception):
    """A plugin cannot be served; `reason` says what its authors should change."""

    def __init__(self, stage: Stage, reason: str) -> None:
        super().__init__(f"{stage.value}: {reason}")
        self.stage = stage
        self.reason = reason


def told(error: BaseException) -> str:
    """Return an exception as one line a reader can act on."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
