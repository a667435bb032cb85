"""What is looked at before an order is sent to WoSign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vault.providers.base import CertRequest, InvalidRequest, Names
from vault.providers.wosign.form import EV, TITLE
from vault.providers.wosign.profile import Profile

# Days that a public certificate may be valid at most (CA/Browser Forum ballot SC-081v3, less a day of margin).
_MOST_DAYS = 199
_DAYS_A_MONTH = 30.44
_A_YEAR = 12


def domains(names: Names) -> tuple[str, ...]:
    """The names to order, the common name first, each once."""
    return tuple(dict.fromkeys((*([names.common_name] if names.common_name else []), *names.dns)))


def months(request: CertRequest) -> int:
    """The validity to order, in whole months, at least one; a year when none was asked for."""
    if request.validity_days is None:
        return _A_YEAR
    return max(1, round(request.validity_days / _DAYS_A_MONTH))


def check(request: CertRequest, profile: Profile) -> Sequence[str]:
    """Doubts about a request, as sentences. Raises InvalidRequest for what cannot be ordered."""
    for refusal in _refusals(request, profile):
        raise InvalidRequest(refusal)
    if request.validity_days is not None and request.validity_days > _MOST_DAYS:
        return (f"Public certificates are valid for {_MOST_DAYS} days at most; {TITLE} may shorten this one.",)
    return ()


def _refusals(request: CertRequest, profile: Profile) -> Iterator[str]:
    names = request.names
    if profile.flaws:
        yield f"The issuer's contract profile has to be corrected by an administrator. {profile.flaws[0]}"
    if not domains(names):
        yield f"{TITLE} needs at least one DNS name. Add one."
    for kind, values in (
        ("IP addresses", names.ip),
        ("e-mail addresses", names.email),
        ("URIs", names.uri),
        ("user names (UPN)", names.upn),
    ):
        if values:
            yield f"Orders at {TITLE} name DNS names only, no {kind}: “{values[0]}”. Leave it out."
    for name in domains(names):
        if "*" in name and request.certificate_type == EV:
            yield f"EV certificates hold no wildcards: “{name}”. Name each host, or choose OV-SSL."
        if "," in name:
            yield f"“{name}” is not a DNS name. Leave out the comma."
