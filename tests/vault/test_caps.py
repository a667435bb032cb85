"""How long certificates may be valid: by kind of issuer, and by the day."""

from datetime import UTC, date, datetime

import pytest

from tests.factories import make_policy, make_vault
from tests.vault.lifecycle.cas import make_issuer
from vault import caps
from vault.caps import Cap, Kind
from vault.models import Issuer
from vault.models.policy import CLIENT_AUTH, SERVER_AUTH, Validity
from vault.providers import OFFERS
from vault.providers.digicert import rules as digicert
from vault.providers.globalsign import rules as globalsign

NOW = date(2026, 11, 24)
CODE_SIGNING, EMAIL = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.4"
YEAR = Validity(number=12)
LETS_ENCRYPT = {"directory": "https://acme-v02.api.letsencrypt.org/directory"}


def issuer_at(provider: str, **config: str) -> Issuer:
    """An issuer as its form saves it, defaults included; not saved."""
    defaults = {field.name: field.default for field in OFFERS[provider].fields}
    return Issuer(name="ca", provider=provider, config={**defaults, **config})


# ------------------------------------------------------------------- the table
@pytest.mark.parametrize(
    ("kind", "on", "days"),
    [
        (Kind.PUBLIC_TLS, date(2026, 3, 14), 398),
        (Kind.PUBLIC_TLS, date(2026, 3, 15), 200),
        (Kind.PUBLIC_TLS, date(2027, 3, 14), 200),
        (Kind.PUBLIC_TLS, date(2027, 3, 15), 100),
        (Kind.PUBLIC_TLS, date(2029, 3, 14), 100),
        (Kind.PUBLIC_TLS, date(2029, 3, 15), 47),
        (Kind.DIGICERT, date(2026, 2, 23), 397),
        (Kind.DIGICERT, date(2026, 2, 24), 199),
        (Kind.DIGICERT, date(2029, 3, 15), 46),
        (Kind.CLASSIC, date(2027, 2, 9), 90),
        (Kind.CLASSIC, date(2027, 2, 10), 64),
        (Kind.CLASSIC, date(2028, 2, 16), 45),
        (Kind.TLSSERVER, NOW, 45),
        (Kind.SHORTLIVED, NOW, 6),
    ],
)
def test_a_cap_holds_from_its_day_on(kind: Kind, on: date, days: int) -> None:
    cap = caps.cap_for(kind, on)

    assert cap is not None
    assert cap.days == days
    assert cap.since <= on


def test_without_a_kind_or_before_the_first_cap_there_is_none() -> None:
    assert caps.cap_for(None, NOW) is None
    assert caps.cap_for(Kind.PUBLIC_TLS, date(2020, 8, 31)) is None


@pytest.mark.parametrize("on", [date(2026, 4, 1), date(2027, 3, 15), date(2028, 7, 1), date(2029, 3, 15)])
def test_adapters_order_no_more_than_the_caps(on: date) -> None:
    moment = datetime(on.year, on.month, on.day, tzinfo=UTC)
    for kind, days in ((Kind.DIGICERT, digicert.most_days(moment)), (Kind.GLOBALSIGN, globalsign.longest_days(moment))):
        cap = caps.cap_for(kind, on)
        assert cap is not None
        assert cap.days == days


def test_the_caps_ahead_are_told_the_next_first() -> None:
    assert [cap.days for cap in caps.caps_after(Kind.PUBLIC_TLS, NOW)] == [100, 47]
    assert [cap.days for cap in caps.caps_after(Kind.SHORTLIVED, NOW)] == []


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (NOW, "200 days at most, 100 from 15 March 2027"),
        (date(2029, 3, 15), "47 days at most"),
    ],
)
def test_what_public_cas_give_is_said_with_what_comes_next(on: date, words: str) -> None:
    assert caps.public_words(on) == words


def test_more_days_than_the_cap_are_reduced_and_the_reason_is_told() -> None:
    cap = Cap(days=199, since=date(2026, 3, 15), why="CA/B cap of 15 March 2026")

    assert caps.days_allowed(365, cap) == (199, "reduced to 199 days: CA/B cap of 15 March 2026")
    assert caps.days_allowed(199, cap) == (199, None)
    assert caps.days_allowed(365, None) == (365, None)


# -------------------------------------------------------------- kinds of issuer
@pytest.mark.parametrize(
    ("provider", "config", "kind"),
    [
        ("DigiCert", {}, Kind.DIGICERT),
        ("DigiCert", {"product_ov": "private_ssl_plus"}, None),
        ("GlobalSign", {}, Kind.GLOBALSIGN),
        ("GlobalSign", {"intranet": "yes"}, None),
        ("GlobalSign", {"intranet": "yes", "platform": "atlas"}, Kind.GLOBALSIGN),
        ("WoSign", {}, Kind.WOSIGN),
        ("ACME", {}, Kind.CLASSIC),
        ("ACME", {"profile": "classic"}, Kind.CLASSIC),
        ("ACME", {"profile": "tlsserver"}, Kind.TLSSERVER),
        ("ACME", {"profile": "shortlived"}, Kind.SHORTLIVED),
        ("ACME", {"directory": "https://acme-staging-v02.api.letsencrypt.org/directory"}, Kind.CLASSIC),
        ("ACME", {"directory": "https://acme.zerossl.com/v2/DV90"}, Kind.PUBLIC_TLS),
        ("ACME", {"directory": "https://acme.digicert.com/v2/acme/directory/"}, Kind.DIGICERT),
        ("ACME", {"directory": "https://emea.acme.atlas.globalsign.com/directory"}, Kind.GLOBALSIGN),
        ("ACME", {"directory": "other", "address": "https://acme-v02.api.letsencrypt.org/directory"}, Kind.CLASSIC),
        ("ACME", {"directory": "other", "address": "https://ca.corp.example/acme/directory"}, None),
        ("ACME", {"directory": "other", "address": "https://notacme.zerossl.com.example/"}, None),
        ("ACME", {"directory": "other", "address": ""}, None),
    ],
)
def test_an_issuers_kind_follows_from_its_settings(provider: str, config: dict[str, str], kind: Kind | None) -> None:
    assert caps.kind_of(issuer_at(provider, **config)) is kind
    assert caps.kind_of(issuer_at(provider, **config), make_policy()) is kind


def test_an_unknown_provider_and_no_issuer_have_no_cap() -> None:
    assert caps.kind_of(None, make_policy()) is None
    assert caps.kind_of(Issuer(provider="Elsewhere", config={})) is None


@pytest.mark.parametrize("offered", ["DigiCert", "GlobalSign", "ACME"])
def test_every_public_ca_that_can_be_chosen_is_known(offered: str) -> None:
    for field in OFFERS[offered].fields:
        if field.name != "directory":
            continue
        for address, _ in field.choices:
            assert (caps.kind_of(issuer_at("ACME", directory=address)) is None) == (address == "other")


@pytest.mark.parametrize(
    ("ekus", "is_capped"),
    [
        ((SERVER_AUTH,), True),
        ((SERVER_AUTH, CLIENT_AUTH), True),
        ((), True),
        (("2.5.29.37.0",), True),
        ((CODE_SIGNING,), False),
        ((EMAIL, CLIENT_AUTH), False),
    ],
)
def test_only_tls_certificates_are_capped(ekus: tuple[str, ...], *, is_capped: bool) -> None:
    found = caps.shortened(make_policy(ekus=ekus, validity=YEAR), issuer_at("DigiCert"), NOW)

    assert (found is not None) == is_capped


def test_a_private_product_for_one_type_leaves_the_other_public() -> None:
    issuer = issuer_at("DigiCert", product_ov="private_ssl_plus")

    assert caps.kind_of(issuer, make_policy(certificate_type="EV-SSL")) is Kind.DIGICERT
    assert caps.kind_of(issuer, make_policy(certificate_type="OV-SSL")) is None


# ------------------------------------------------------------------- a request
@pytest.mark.parametrize(
    ("provider", "config", "validity", "on", "ordered", "words"),
    [
        ("DigiCert", {}, YEAR, NOW, Validity(number=199, unit="days"), "199 days: CA/B cap of 15 March 2026"),
        (
            "DigiCert",
            {},
            Validity(number=6),
            date(2027, 3, 15),
            Validity(number=99, unit="days"),
            "99 days: CA/B cap of 15 March 2027",
        ),
        ("DigiCert", {}, Validity(number=200, unit="days"), NOW, Validity(number=199, unit="days"), "199 days: "),
        ("WoSign", {}, YEAR, NOW, Validity(number=6), "6 months: CA/B cap of 15 March 2026"),
        ("WoSign", {}, Validity(number=199, unit="days"), NOW, Validity(number=6), "6 months: "),
        ("WoSign", {}, YEAR, date(2027, 3, 15), Validity(number=3), "3 months: CA/B cap of 15 March 2027"),
        ("WoSign", {}, YEAR, date(2029, 3, 15), Validity(number=1), "1 month: CA/B cap of 15 March 2029"),
        ("GlobalSign", {}, YEAR, NOW, Validity(number=6), "6 months: what the issuer “ca” orders"),
        ("GlobalSign", {"validity": "exact"}, YEAR, NOW, Validity(number=199, unit="days"), "199 days: CA/B cap"),
        ("ACME", LETS_ENCRYPT, YEAR, NOW, Validity(number=90, unit="days"), "90 days: Let's Encrypt since"),
    ],
)
def test_a_validity_beyond_the_cap_is_shortened(
    provider: str, config: dict[str, str], validity: Validity, on: date, ordered: Validity, words: str
) -> None:
    found = caps.shortened(make_policy(validity=validity), issuer_at(provider, **config), on)

    assert found is not None
    assert found.validity == ordered
    assert found.words.startswith(f"reduced to {words}")


@pytest.mark.parametrize(
    ("provider", "config", "validity", "on"),
    [
        ("DigiCert", {}, Validity(number=6), NOW),
        ("DigiCert", {}, Validity(number=199, unit="days"), NOW),
        ("DigiCert", {}, Validity(number=3), date(2027, 3, 15)),
        ("WoSign", {}, Validity(number=6), NOW),
        ("GlobalSign", {}, Validity(number=6), NOW),
        ("ACME", LETS_ENCRYPT, Validity(number=90, unit="days"), NOW),
        ("ACME", {"directory": "other", "address": "https://ca.example.org/"}, Validity(number=100), NOW),
    ],
)
def test_a_validity_within_the_cap_stays(provider: str, config: dict[str, str], validity: Validity, on: date) -> None:
    assert caps.shortened(make_policy(validity=validity), issuer_at(provider, **config), on) is None


def test_self_signed_certificates_are_not_shortened() -> None:
    assert caps.shortened(make_policy(validity=Validity(number=120)), None, NOW) is None


@pytest.mark.parametrize(
    ("months", "on", "refused"),
    [
        ("6", NOW, False),
        ("6", date(2027, 3, 15), True),
        ("3", date(2027, 3, 15), False),
        ("3", date(2029, 3, 15), True),
        ("1", date(2029, 3, 15), False),
        ("exact", date(2029, 3, 15), False),
    ],
)
def test_an_issuer_that_orders_more_months_than_allowed_would_be_refused(
    months: str, on: date, *, refused: bool
) -> None:
    found = caps.over_cap(make_policy(validity=YEAR), issuer_at("GlobalSign", validity=months), "GS", on)

    assert (found is not None) == refused
    if found:
        assert found.startswith("The issuer “GS” orders")
        assert "CA/B cap of 15 March" in found


def test_what_is_only_shortened_is_not_refused() -> None:
    policy = make_policy(validity=YEAR)

    assert caps.over_cap(policy, issuer_at("DigiCert"), "ca", NOW) is None
    assert caps.over_cap(policy, None, "Self", NOW) is None
    assert caps.over_cap(policy, issuer_at("GlobalSign", intranet="yes"), "ca", date(2029, 4, 1)) is None


@pytest.mark.django_db
def test_a_saved_issuer_is_judged_by_two_columns() -> None:
    made = make_issuer(make_vault(), provider="DigiCert", config={})

    row = Issuer.objects.only("provider", "config").get(pk=made.pk)

    assert caps.kind_of(row) is Kind.DIGICERT
    assert row.get_deferred_fields() >= {"secrets", "memory", "name"}
