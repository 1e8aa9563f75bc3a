"""Clients, for officials. Below /api/identity/admin."""

from __future__ import annotations

import base64
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.idempotency import derived_secret, idempotent, keyed
from app.paging import Page, PageArgs, paged
from identity import handles
from identity.clients import service
from identity.clients.schemas import (
    ClientChangeSchema,
    ClientFormSchema,
    ClientKeyFormSchema,
    ClientKeySchema,
    ClientKeysSchema,
    ClientSchema,
    ClientSecretSchema,
)
from identity.oidc.models import Client, ClientKey
from identity.staff.guard import official

blueprint = Blueprint("identity_clients", __name__, url_prefix="", description="应用管理 · Clients, for officials")


@blueprint.route("/admin/clients")
class Clients(MethodView):
    @official()
    @blueprint.arguments(PageArgs, location="query")
    @blueprint.response(200, paged(ClientSchema))
    def get(self, args: dict[str, Any]) -> Page[Client]:
        """List the clients within one's reach."""
        return service.listed(**args)

    @official()
    @idempotent
    @blueprint.arguments(ClientFormSchema)
    @blueprint.response(201, ClientSchema)
    def post(self, form: dict[str, Any]) -> Client:
        """Enter a client."""
        owner = form.pop("organisation", None)
        return service.create(organisation_id=handles.organisation_by(owner).id if owner else None, **form)


@blueprint.route("/admin/clients/<client_id>")
class OneClient(MethodView):
    @official()
    @blueprint.response(200, ClientSchema)
    def get(self, client_id: str) -> Client:
        """Return one client."""
        return service.find(client_id)

    @official()
    @blueprint.arguments(ClientChangeSchema)
    @blueprint.response(200, ClientSchema)
    def patch(self, changes: dict[str, Any], client_id: str) -> Client:
        """Change a client; a narrowed access ends what it was given before."""
        return service.change(client_id, changes)


@blueprint.route("/admin/clients/<client_id>/disable")
class Disable(MethodView):
    @official()
    @idempotent
    @blueprint.response(204)
    def post(self, client_id: str) -> None:
        """Stop a client and all it holds, at once."""
        service.disable(client_id)


@blueprint.route("/admin/clients/<client_id>/enable")
class Enable(MethodView):
    @official()
    @idempotent
    @blueprint.response(204)
    def post(self, client_id: str) -> None:
        """Let a stopped client work again."""
        service.enable(client_id)


@blueprint.route("/admin/clients/<client_id>/secret")
class Secret(MethodView):
    @official()
    @keyed
    @blueprint.response(201, ClientSecretSchema)
    def post(self, client_id: str) -> dict[str, str]:
        """Give a client a new secret; the same Idempotency-Key gives the same one."""
        secret = base64.urlsafe_b64encode(derived_secret("client-secret", size=32)).rstrip(b"=").decode()
        service.rotate_secret(client_id, secret)
        return {"client_secret": secret}


@blueprint.route("/admin/clients/<client_id>/keys")
class Keys(MethodView):
    @official()
    @blueprint.response(200, ClientKeysSchema)
    def get(self, client_id: str) -> dict[str, list[ClientKey]]:
        """List a client's keys."""
        return {"items": service.keys_of(client_id)}

    @official()
    @idempotent
    @blueprint.arguments(ClientKeyFormSchema)
    @blueprint.response(201, ClientKeySchema)
    def post(self, form: dict[str, Any], client_id: str) -> ClientKey:
        """Add a public key to a client."""
        return service.add_key(client_id, **form)


@blueprint.route("/admin/clients/<client_id>/keys/<kid>")
class OneKey(MethodView):
    @official()
    @blueprint.response(204)
    def delete(self, client_id: str, kid: str) -> None:
        """End a key and the tokens that stand on it."""
        service.retire_key(client_id, kid)
