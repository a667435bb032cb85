"""Files with passwords."""

from __future__ import annotations

import base64
from collections.abc import Callable

from tests.pki import containers as c
from tests.pki.authority import ec_key
from tests.pki.forging import oid_der
from tests.vault.x509.corpus.cases import (
    EC256,
    ISSUING,
    LEAF,
    P8,
    PEM,
    ROOT,
    SEC1,
    Case,
    armoured,
    octets,
    taken,
    text,
)
from vault.x509.found import Locked


def pfx(*safes: bytes, **changes: object) -> Callable[[], bytes]:
    return lambda: c.pfx(*safes, **changes)  # type: ignore[arg-type]


WHOLE = (
    c.safe(c.bag(c.SHROUDED_BAG, c.encrypted_key(P8), name="mine", local_id=b"1")),
    c.encrypted_safe(c.certificate_bag(LEAF.der, local_id=b"1"), c.certificate_bag(ISSUING.der)),
)


PLAIN = (c.safe(c.bag(c.KEY_BAG, P8)), c.safe(c.certificate_bag(LEAF.der)))


def sealed() -> list[Case]:
    locked = {"locked": Locked.WRONG_PASSWORD, "refused": "password does not open", "secret": True, "password": "other"}
    asking = {"locked": Locked.NEEDS_PASSWORD, "refused": "protected by a password", "secret": True}
    legacy = c.legacy_pem(SEC1, "secret")
    sealed = c.encrypted_key(P8)
    return [
        Case(name="encrypted PKCS#8", make=octets(sealed), password="secret", keys=EC256, secret=True),
        Case(
            name="encrypted PKCS#8 in PEM",
            make=text(armoured("ENCRYPTED PRIVATE KEY", sealed)),
            password="secret",
            keys=EC256,
            secret=True,
        ),
        Case(name="encrypted PKCS#8, no password", make=octets(sealed), **asking),  # type: ignore[arg-type]
        Case(name="encrypted PKCS#8, wrong password", make=octets(sealed), **locked),  # type: ignore[arg-type]
        Case(
            name="encrypted PKCS#8 with the empty password",
            make=lambda: c.encrypted_key(P8, ""),
            keys=EC256,
            secret=True,
        ),
        Case(
            name="encrypted PKCS#8, not whole blocks",
            make=lambda: c.sequence(c.pbes2(), c.octets(bytes(33))),
            password="secret",
            refused="damaged",
            secret=True,
        ),
        Case(name="OpenSSL's old way", make=text(legacy), password="secret", keys=EC256, secret=True),
        Case(name="OpenSSL's old way, no password", make=text(legacy), **asking),  # type: ignore[arg-type]
        Case(name="OpenSSL's old way, wrong password", make=text(legacy), **locked),  # type: ignore[arg-type]
        Case(
            name="OpenSSL's old way with another cipher",
            make=text(legacy.replace("AES-256-CBC", "CAMELLIA-128-CBC")),
            password="secret",
            refused="sealed in a way",
            secret=True,
        ),
        Case(
            name="OpenSSL's old way, short IV",
            make=text(legacy.replace(c.IV.hex().upper(), "00")),
            password="secret",
            refused="damaged",
            secret=True,
        ),
        taken(
            "certificate and sealed key",
            text(PEM + armoured("ENCRYPTED PRIVATE KEY", sealed)),
            keys=(),
            locked=Locked.NEEDS_PASSWORD,
            refused="private key in this file is protected",
        ),
        taken("PFX", pfx(*WHOLE), password="secret", certificates=2, friendly_name="mine"),
        taken("PFX in BER", lambda: c.as_ber(c.pfx(*WHOLE)), password="secret", certificates=2, friendly_name="mine"),
        taken(
            "PFX in base64",
            lambda: base64.b64encode(c.pfx(*WHOLE)),
            password="secret",
            certificates=2,
            friendly_name="mine",
        ),
        taken(
            "PFX and zeros behind it",
            lambda: c.pfx(*WHOLE) + bytes(9),
            password="secret",
            certificates=2,
            friendly_name="mine",
        ),
        Case(name="PFX, no password", make=pfx(*WHOLE), **asking),  # type: ignore[arg-type]
        Case(name="PFX, wrong password", make=pfx(*WHOLE), **locked),  # type: ignore[arg-type]
        Case(
            name="PFX with everything sealed, no password",
            make=pfx(c.encrypted_safe(c.bag(c.KEY_BAG, P8))),
            locked=Locked.NEEDS_PASSWORD,
            refused="protected by a password",
        ),
        taken("PFX without MAC", pfx(*WHOLE, password=None), password="secret", certificates=2, friendly_name="mine"),
        Case(name="PFX without MAC, wrong password", make=pfx(*WHOLE, password=None), **locked),  # type: ignore[arg-type]
        taken("PFX without any encryption", pfx(*PLAIN, password=None)),
        taken("PFX not encrypted, password not needed", pfx(*PLAIN, password=None), password="unused"),
        taken("PFX with the empty password", pfx(*PLAIN, password="")),
        taken("PFX with the empty password, another given", pfx(*PLAIN, password=""), password="unused"),
        taken("PFX with an umlaut in its password", pfx(*PLAIN, password="pässwörd€"), password="pässwörd€"),
        Case(
            name="PFX with a wrong MAC",
            make=pfx(*WHOLE, wrong=True),
            password="secret",
            refused="checksum does not fit",
            secret=True,
        ),
        Case(
            name="PFX whose key has another password",
            make=pfx(c.safe(c.bag(c.SHROUDED_BAG, c.encrypted_key(P8, "other")))),
            password="secret",
            refused="another password than the rest",
            secret=True,
        ),
        Case(
            name="PFX with two keys",
            make=pfx(c.safe(c.bag(c.KEY_BAG, P8), c.bag(c.KEY_BAG, c.pkcs8(ec_key())))),
            password="secret",
            keys=EC256 * 2,
            secret=True,
        ),
        Case(
            name="PFX with a name only",
            make=pfx(c.safe(c.certificate_bag(ROOT.der, name="Wurzel"))),
            password="secret",
            certificates=1,
            friendly_name="Wurzel",
        ),
        Case(
            name="PFX with an invisible name",
            make=pfx(c.safe(c.certificate_bag(ROOT.der, name="a\u202eb"))),
            password="secret",
            certificates=1,
            friendly_name="aU+202Eb",
        ),
        Case(
            name="PFX with a revocation list",
            make=pfx(c.safe(c.bag(c.CRL_BAG, c.sequence()))),
            password="secret",
            ignored="a revocation list",
        ),
        Case(
            name="PFX with a secret",
            make=pfx(c.safe(c.bag(c.SECRET_BAG, c.sequence()))),
            password="secret",
            ignored="a secret",
        ),
        Case(
            name="PFX with a kind of bag that nobody knows",
            make=pfx(c.safe(c.bag("1.2.3", c.sequence()))),
            password="secret",
            ignored="something unknown",
        ),
        taken(
            "PFX with a safe in a safe",
            pfx(c.safe(c.bag(c.SAFE_BAG, c.sequence(c.bag(c.KEY_BAG, P8), c.certificate_bag(LEAF.der))))),
            password="secret",
        ),
        Case(name="PFX with nothing", make=pfx(), password="secret", refused="PFX"),
        Case(
            name="PFX of an envelope",
            make=pfx(c.sequence(oid_der(c.ENVELOPED), c.explicit(c.sequence()))),
            password="secret",
            ignored="a part that is sealed for somebody's certificate",
        ),
        Case(
            name="PFX sealed with a certificate",
            make=lambda: c.sequence(c.integer(3), c.sequence(oid_der(c.SIGNED), c.explicit(c.sequence()))),
            refused="in place of a password",
            secret=True,
        ),
    ]
