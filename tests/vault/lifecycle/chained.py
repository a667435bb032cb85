"""Versions whose certificate a CA has signed, with intermediate and root."""

from __future__ import annotations

from typing import Any

from tests.factories import make_operation
from tests.pki.authority import make_intermediate, make_leaf, make_root, sign_csr
from vault.lifecycle import completing
from vault.lifecycle.completing import Answer
from vault.models import Version
from vault.models.audit import SYSTEM
from vault.models.policy import UNKNOWN
from vault.x509 import chains

ROOT = make_root()
ISSUING = make_intermediate(ROOT)


def make_chained_version(*, name: str = "shop", **facts: Any) -> Version:
    """A version whose chain is the intermediate and the root."""
    operation = make_operation(name=name, issuer=UNKNOWN, **facts)
    leaf = sign_csr(ISSUING, bytes(operation.csr))
    answer = Answer(leaf=leaf, chain=chains.order(leaf, [ROOT.der, ISSUING.der]))
    return completing.complete(operation=operation, answer=answer, by=SYSTEM)


def make_version_without_key(*, name: str = "shop", **facts: Any) -> Version:
    """A version whose request, and so whose private key, came from elsewhere."""
    certificate = make_operation(name=name, issuer=UNKNOWN, **facts).certificate
    leaf = make_leaf(ISSUING)
    answer = Answer(leaf=leaf.der, chain=chains.order(leaf.der, [ROOT.der, ISSUING.der]))
    version = completing.new_version(certificate, None, answer, content_type="application/x-pem-file", tags={})
    completing.store(version)
    return version
