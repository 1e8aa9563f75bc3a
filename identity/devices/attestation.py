"""What a terminal's maker says of its key: read and recorded as a signal, trusted no further than it was checked.

Levels: `none` (nothing came), `invalid` (it does not hold), `chain` (certificates
fit each other and the key, the root is not one of ours), `rooted` (the root is).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from app.db import now
from app.facade.settings import settings_of

FORMATS = ("x5c",)
_LONGEST_CHAIN = 6


class _Invalid(Exception):
    pass


def read(attestation: Mapping[str, Any] | None, public_jwk: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is recorded of an attestation for this key; None when nothing came."""
    if not attestation:
        return None
    form = attestation.get("format")
    if form not in FORMATS:
        return {"format": str(form)[:20], "level": "invalid", "why": "unknown format"}
    try:
        chain = _certificates(attestation.get("x5c"))
        _check_chain(chain)
        _check_key(chain[0], public_jwk)
    except _Invalid as fault:
        return {"format": form, "level": "invalid", "why": str(fault)}
    level = "rooted" if _fingerprint(chain[-1]) in _roots() else "chain"
    return {"format": form, "level": level, "root_sha256": _fingerprint(chain[-1]), "certificates": len(chain)}


def _certificates(given: Any) -> Sequence[x509.Certificate]:
    if not isinstance(given, list) or not 1 <= len(given) <= _LONGEST_CHAIN:
        raise _Invalid(f"x5c is a list of 1 to {_LONGEST_CHAIN} certificates")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(each, validate=True)) for each in given]
    except (ValueError, TypeError, binascii.Error):
        raise _Invalid("a certificate cannot be read") from None


def _check_chain(chain: Sequence[x509.Certificate]) -> None:
    present = now()
    if any(not each.not_valid_before_utc <= present <= each.not_valid_after_utc for each in chain):
        raise _Invalid("a certificate is not valid at present")
    issuers = [*chain[1:], chain[-1]] if len(chain) > 1 else chain
    for certificate, issuer in zip(chain, issuers, strict=True):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            raise _Invalid("the certificates do not sign one another") from None
        if certificate is not issuer and not _may_sign(issuer):
            raise _Invalid("an issuer is no certificate authority")


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _check_key(leaf: x509.Certificate, public_jwk: Mapping[str, Any]) -> None:
    own = ECKey.import_key(dict(public_jwk)).public_key
    certified = leaf.public_key()
    if not isinstance(certified, ec.EllipticCurvePublicKey) or certified.public_numbers() != own.public_numbers():
        raise _Invalid("the certificate is for another key")


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _roots() -> frozenset[str]:
    path = settings_of("identity")["attestation_roots"]
    if not path:
        return frozenset()
    found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    return frozenset(_fingerprint(each) for each in found)
