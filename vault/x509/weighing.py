"""Keys of one upload held against each other: two that share a prime are both broken. Runs in the parsing child."""

from __future__ import annotations

from collections.abc import Sequence

from vault.x509 import keychecks
from vault.x509.found import FoundKey
from vault.x509.keyreading import modulus

_SHARED = (
    "Two of these RSA keys share a prime, so both can be computed by anyone who has seen their certificates. "
    "Make new keys, on another machine."
)


def sharing(keys: Sequence[FoundKey]) -> dict[str, str]:
    """SPKI SHA-256 and sentence of every key that shares a prime with another one."""
    by_name = {key.spki_sha256: modulus(key.pkcs8) for key in keys if key.title.startswith("RSA")}
    names = list(by_name)
    pairs = keychecks.shared_factor(list(by_name.values()))
    return {names[place]: _SHARED for pair in pairs for place in pair}
