"""How long a certificate may be valid at most: by the kind of issuer, and by the day it is issued.

Sources:
    CA/Browser Forum ballot SC-081v3 (Baseline Requirements for TLS §6.3.2), and ballot SC-031 for the 398 days before:
        https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/
    DigiCert, a day less than allowed since 24 February 2026:
        https://knowledge.digicert.com/alerts/public-tls-certificates-199-day-validity
    GlobalSign and WoSign, a day less than allowed, which is what their adapters order.
    Let's Encrypt, by profile: https://letsencrypt.org/docs/profiles/ and
        https://letsencrypt.org/2025/12/02/from-90-to-45
"""

from __future__ import annotations

import calendar
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vault.models.policy import SERVER_AUTH, Policy, Validity
from vault.x509.dates import add_validity, most_days

if TYPE_CHECKING:
    from vault.models import Issuer

ANY_USAGE: Final = "2.5.29.37.0"
_DAYS_A_MONTH: Final = 30.44


class Kind(enum.StrEnum):
    """Kinds of issuers that a cap holds for; the value is its title."""

    PUBLIC_TLS = "Public TLS"
    DIGICERT = "DigiCert"
    GLOBALSIGN = "GlobalSign"
    WOSIGN = "WoSign"
    CLASSIC = "Let's Encrypt"
    TLSSERVER = "Let's Encrypt, profile tlsserver"
    SHORTLIVED = "Let's Encrypt, profile shortlived"


@dataclass(frozen=True, kw_only=True)
class Cap:
    """At most so many days for what is issued on `since` (UTC) or later; `why` is a reason of a few words."""

    days: int
    since: date
    why: str


@dataclass(frozen=True, kw_only=True)
class Shortened:
    """The validity to order in the place of a longer one, and why: `reduced to 199 days: CA/B cap of …`."""

    validity: Validity
    words: str


_CAB_DAYS: Final = (date(2020, 9, 1), date(2026, 3, 15), date(2027, 3, 15), date(2029, 3, 15))


def _day(moment: date) -> str:
    return f"{moment.day} {calendar.month_name[moment.month]} {moment.year}"


def _ballot(*most: int, first: date | None = None) -> tuple[Cap, ...]:
    """The steps of the ballot, each with so many days; `first` is when a CA took the second one."""
    steps = zip(_CAB_DAYS, most, strict=True)
    caps = [Cap(days=days, since=since, why=f"CA/B cap of {_day(since)}") for since, days in steps]
    if first is not None:
        caps[1] = Cap(days=caps[1].days, since=first, why=caps[1].why)
    return tuple(caps)


def _lets_encrypt(*steps: tuple[int, date]) -> tuple[Cap, ...]:
    return tuple(Cap(days=days, since=since, why=f"Let's Encrypt since {_day(since)}") for days, since in steps)


_CAPS: Final[Mapping[Kind, tuple[Cap, ...]]] = {
    Kind.PUBLIC_TLS: _ballot(398, 200, 100, 47),
    Kind.DIGICERT: _ballot(397, 199, 99, 46, first=date(2026, 2, 24)),
    Kind.GLOBALSIGN: _ballot(397, 199, 99, 46),
    Kind.WOSIGN: _ballot(397, 199, 99, 46),
    Kind.CLASSIC: _lets_encrypt((90, date(2015, 12, 3)), (64, date(2027, 2, 10)), (45, date(2028, 2, 16))),
    Kind.TLSSERVER: _lets_encrypt((90, date(2025, 1, 9)), (45, date(2026, 5, 13))),
    # 160 hours.
    Kind.SHORTLIVED: _lets_encrypt((6, date(2026, 1, 15))),
}
# ACME servers of public CAs, by the end of their host's name; what is not here may be private, and is not capped.
_PUBLIC_ACME: Final = (
    ("acme.digicert.com", Kind.DIGICERT),
    ("acme.atlas.globalsign.com", Kind.GLOBALSIGN),
    ("acme.zerossl.com", Kind.PUBLIC_TLS),
    ("acme-v02.api.pki.goog", Kind.PUBLIC_TLS),
    ("acme.sectigo.com", Kind.PUBLIC_TLS),
    ("acme.ssl.com", Kind.PUBLIC_TLS),
)
_PROFILES: Final = {"tlsserver": Kind.TLSSERVER, "shortlived": Kind.SHORTLIVED}


# ------------------------------------------------------------------- the table
def cap_for(kind: Kind | None, on: date) -> Cap | None:
    """The cap for what is issued on a day (UTC); None when there is none."""
    return next((cap for cap in reversed(_CAPS[kind]) if cap.since <= on), None) if kind else None


def caps_after(kind: Kind, on: date) -> tuple[Cap, ...]:
    """The caps that come into force after a day, the next one first."""
    return tuple(cap for cap in _CAPS[kind] if cap.since > on)


def public_words(on: date) -> str:
    """What public CAs give at most on a day (UTC), and what comes next: `200 days at most, 100 from 15 March 2027`."""
    cap = cap_for(Kind.PUBLIC_TLS, on)
    now = f"{cap.days} days at most" if cap else ""
    return ", ".join(filter(None, [now, *(f"{one.days} from {_day(one.since)}" for one in _next(on))]))


def _next(on: date) -> tuple[Cap, ...]:
    return caps_after(Kind.PUBLIC_TLS, on)[:1]


def days_allowed(requested: int, cap: Cap | None) -> tuple[int, str | None]:
    """How many of the requested days are possible, and why not all of them: `reduced to 199 days: CA/B cap of …`."""
    if cap is None or requested <= cap.days:
        return requested, None
    return cap.days, _words(Validity(number=cap.days, unit="days"), cap.why)


# -------------------------------------------------------------- kinds of issuer
def kind_of(issuer: Issuer | None, policy: Policy | None = None) -> Kind | None:
    """The kind of an issuer, of which `provider` and `config` are read; None when no cap is known for it.

    None is for `Self`, `Unknown`, private CAs, and what is no TLS certificate by the policy's extended key usages.
    Without a policy: for a TLS certificate of the usual type.
    """
    if issuer is None or not (policy is None or _is_tls(policy)):
        return None
    match issuer.provider.lower():
        case "digicert":
            return _digicert(issuer.config, policy.certificate_type if policy else "")
        case "globalsign":
            return None if issuer.config.get("intranet") and _is_managed(issuer.config) else Kind.GLOBALSIGN
        case "wosign":
            return Kind.WOSIGN
        case "acme":
            return _acme(issuer.config)
    return None


def _is_tls(policy: Policy) -> bool:
    return not policy.ekus or SERVER_AUTH in policy.ekus or ANY_USAGE in policy.ekus


def _digicert(config: Mapping[str, str], certificate_type: str) -> Kind | None:
    product = config.get("product_ev" if certificate_type == "EV-SSL" else "product_ov", "")
    return None if product.startswith("private_") else Kind.DIGICERT


def _is_managed(config: Mapping[str, str]) -> bool:
    """Whether a GlobalSign issuer is one of Managed SSL; Atlas knows no intranet products."""
    return config.get("platform", "mssl") == "mssl"


def _acme(config: Mapping[str, str]) -> Kind | None:
    chosen = config.get("directory", "other")
    host = urlsplit(config.get("address", "") if chosen == "other" else chosen).hostname or ""
    if host.endswith(".api.letsencrypt.org"):
        return _PROFILES.get(config.get("profile", "").strip(), Kind.CLASSIC)
    return next((kind for end, kind in _PUBLIC_ACME if host == end or host.endswith(f".{end}")), None)


# ------------------------------------------------------------------- a request
def shortened(policy: Policy, issuer: Issuer | None, on: date) -> Shortened | None:
    """The validity that is ordered on a day (UTC) instead of a policy's, when that is longer than possible."""
    cap = cap_for(kind_of(issuer, policy), on)
    if cap is None or issuer is None:
        return None
    days = _days_of(policy.validity, on)
    if (fixed := _fixed_months(issuer)) and days > most_days(fixed):
        return _in_months(fixed, f"what the issuer “{issuer}” orders")
    if fixed:
        return None
    if issuer.provider.lower() == "wosign":
        return _whole_months(days, cap)
    allowed, words = days_allowed(days, cap)
    return Shortened(validity=Validity(number=allowed, unit="days"), words=words) if words else None


def over_cap(policy: Policy, issuer: Issuer | None, name: str, on: date) -> str | None:
    """Why the issuer `name` would refuse what the policy asks for on a day (UTC); None when it would not.

    What is only shortened is not refused. Of the issuer `provider` and `config` are read.
    """
    cap = cap_for(kind_of(issuer, policy), on)
    months = _fixed_months(issuer) if issuer else 0
    if cap is None or not months or most_days(months) <= cap.days:
        return None
    return (
        f"The issuer “{name}” orders {Validity(number=months)}, and its CA gives {cap.days} days at most "
        f"({cap.why}). An administrator chooses fewer months, or exact dates, on the issuer's page."
    )


def _days_of(validity: Validity, on: date) -> int:
    start = datetime.combine(on, time(), UTC)
    return (add_validity(start, validity.number, validity.unit) - start).days


def _fixed_months(issuer: Issuer) -> int:
    """The months that a Managed SSL issuer orders whatever is asked for; 0 when it does not."""
    if issuer.provider.lower() != "globalsign" or not _is_managed(issuer.config):
        return 0
    given = issuer.config.get("validity", "6")
    return int(given) if given.isascii() and given.isdigit() else 0


def _whole_months(days: int, cap: Cap) -> Shortened | None:
    """For a CA that takes orders in months: the most whole months that the cap allows, when more are asked for."""
    if most_days(max(1, round(days / _DAYS_A_MONTH))) <= cap.days:
        return None
    fitting = next(months for months in range(cap.days // 28, 0, -1) if most_days(months) <= cap.days)
    return _in_months(fitting, cap.why)


def _in_months(months: int, why: str) -> Shortened:
    validity = Validity(number=months)
    return Shortened(validity=validity, words=_words(validity, why))


def _words(validity: Validity, why: str) -> str:
    return f"reduced to {validity}: {why}"
