"""The policy that an import proposes, where its parts come from, and what it leads to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.factories import make_certificate, make_policy, make_vault
from tests.pki import authority, uploads
from tests.pki.authority import Leaf
from vault import policies
from vault.lifecycle import importing, issuing
from vault.lifecycle.importing import Candidate, Origin
from vault.models import Certificate
from vault.models.policy import (
    PEM_FILE,
    PKCS12,
    SELF,
    SERVER_AUTH,
    UNKNOWN,
    AlternativeNames,
    KeyPolicy,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)
from vault.x509.certificates import self_sign

ROOT = authority.make_root()
RENEW, NOTIFY = LifetimeActionType.AUTO_RENEW, LifetimeActionType.EMAIL_CONTACTS


def candidate_of(leaf: Leaf) -> Candidate:
    (candidate,) = importing.survey(make_vault(), uploads.upload(uploads.pfx(leaf, ROOT.der))).candidates
    return candidate


def candidate(*dns: str, days: float = 90, **facts) -> Candidate:
    return candidate_of(authority.make_leaf(ROOT, *dns, days=days, **facts))


def holder(**facts) -> Certificate:
    """A certificate with a policy and no version."""
    policy = policies.with_defaults(make_policy(**facts))
    return Certificate(vault=make_vault(), name="site", policy=policy, issuer_name=policy.issuer_name)


def test_a_new_name_takes_from_the_certificate_what_is_in_it_and_defaults_for_the_rest() -> None:
    found = candidate("www.example.org", "example.org", days=3650, key=authority.rsa_key())

    proposal = importing.propose(found, certificate=None)

    assert proposal.policy == Policy(
        key=KeyPolicy(kty="RSA", size=2048, exportable=True, reuse=False),
        content_type=PKCS12,
        subject="CN=www.example.org",
        names=AlternativeNames(dns=("www.example.org", "example.org")),
        key_usage=(),
        ekus=(SERVER_AUTH,),
        validity=Validity(number=3650, unit="days"),
        issuer_name=UNKNOWN,
        lifetime_actions=(LifetimeAction(action=NOTIFY, lifetime_percentage=80),),
    )
    from_certificate = {part for part, origin in proposal.origins.items() if origin is Origin.CERTIFICATE}
    assert from_certificate == {"subject", "names", "key", "key_usage", "ekus", "validity"}
    assert {origin for part, origin in proposal.origins.items() if part not in from_certificate} == {Origin.DEFAULT}
    assert (proposal.differences, proposal.left_out, proposal.warnings) == ((), (), ())


def test_an_existing_policy_keeps_what_no_certificate_tells() -> None:
    key = KeyPolicy(kty="RSA", size=4096, exportable=False, reuse=True)
    rule = LifetimeAction(action=RENEW, days_before_expiry=20)
    before = holder(key=key, content_type=PEM_FILE, certificate_type="OV-SSL", lifetime_actions=(rule,))

    proposal = importing.propose(candidate(), certificate=before)

    policy = proposal.policy
    assert policy.key == KeyPolicy(kty="EC", size=None, curve="P-256", exportable=False, reuse=True)
    assert (policy.content_type, policy.issuer_name, policy.certificate_type) == (PEM_FILE, SELF, "OV-SSL")
    assert policy.lifetime_actions == (rule,)
    kept = ("exportable", "reuse", "content_type", "issuer_name", "certificate_type", "lifetime_actions")
    assert {proposal.origins[part] for part in kept} == {Origin.POLICY}
    assert proposal.origins["key"] == Origin.CERTIFICATE


def test_differences_are_told_in_peoples_words() -> None:
    before = holder(
        names=AlternativeNames(dns=("old.example.org",), ips=("192.0.2.1",)), key=KeyPolicy(kty="RSA", size=4096)
    )

    differences = importing.propose(candidate(), certificate=before).differences

    assert [(one.field, one.in_policy, one.in_file) for one in differences] == [
        ("Subject", "CN=old.example.org", "CN=www.example.org"),
        ("Names", "192.0.2.1, old.example.org", "www.example.org"),
        ("Key", "RSA 4096", "EC P-256"),
        ("Key usage", "digitalSignature, keyEncipherment", "none"),
        ("Extended key usage", "1.3.6.1.5.5.7.3.1, 1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"),
        ("Validity", "12 months", "90 days"),
    ]


def test_a_certificate_made_under_a_policy_does_not_differ_from_it() -> None:
    certificate = make_certificate()
    version = certificate.current
    key = uploads.found_key(authority.ec_key())
    same = replace(candidate(), leaf=bytes(version.der), key=key)

    proposal = importing.propose(same, certificate=certificate)

    assert proposal.differences == ()
    assert proposal.policy == certificate.policy
    assert proposal.origins["validity"] == Origin.POLICY


def test_a_renewal_rule_that_does_not_fit_the_new_validity_becomes_the_default() -> None:
    rule = LifetimeAction(action=NOTIFY, days_before_expiry=200)
    before = holder(issuer_name=UNKNOWN, lifetime_actions=(rule,))

    proposal = importing.propose(candidate(days=30), certificate=before)

    assert proposal.policy.lifetime_actions == (LifetimeAction(action=NOTIFY, lifetime_percentage=80),)
    assert proposal.origins["lifetime_actions"] == Origin.DEFAULT


@pytest.mark.parametrize(
    ("days", "number", "months"),
    [(3650, 3650, 120), (365, 365, 12), (90, 90, 3), (0.2, 1, 1), (40_000, 36_500, 1200)],
)
def test_the_validity_counts_days_within_what_a_policy_takes(days: float, number: int, months: int) -> None:
    policy = importing.propose(candidate(days=days), certificate=None).policy

    assert policy.validity == Validity(number=number, unit="days")
    assert importing.proposing._months(policy.validity) == months


def test_a_certificate_with_neither_subject_nor_names_gets_its_own_name_as_subject() -> None:
    key = authority.ec_key()
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder(ROOT.subject, x509.Name([]), key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(start).not_valid_after(start + timedelta(days=9)).sign(ROOT.key, hashes.SHA256())
    found = candidate_of(Leaf(der=authority.to_der(signed), key=key, csr=b""))

    proposal = importing.propose(found, certificate=None)

    assert proposal.policy.subject == "CN=site"
    assert proposal.origins["subject"] == Origin.DEFAULT


@pytest.mark.parametrize("days", [1, 90, 398, 3650])
def test_every_proposal_can_be_ordered_as_it_is(days: int) -> None:
    vault = make_vault()

    policy = importing.propose(candidate(days=days), certificate=None).policy

    assert issuing.prepare(vault, policy) == policy


def test_a_certificate_that_ends_before_the_current_version_is_pointed_out() -> None:
    certificate = make_certificate()

    proposal = importing.propose(candidate(days=30), certificate=certificate)

    assert [warning.code for warning in proposal.warnings] == ["ends-sooner"]
    assert proposal.warnings[0].sentence.startswith("Version 1, the current one, is valid longer")


# ---------------------------------------------------------------- consequences
def test_without_a_renewal_rule_only_a_notice_is_sent() -> None:
    unknown = policies.with_defaults(make_policy(issuer_name=UNKNOWN))
    told = replace(unknown, issuer_name=SELF)

    assert importing.consequence(unknown).code == importing.consequence(told).code == "notice-only"
    assert importing.consequence(unknown).sentence == "Only a notice will be sent: it does not renew by itself."
    assert "would be self-signed" in importing.consequence(told).sentence


def test_a_registered_issuer_renews_and_is_named() -> None:
    policy = replace(policies.with_defaults(make_policy()), issuer_name="Example-CA")

    outlook = importing.consequence(policy)

    assert (outlook.code, outlook.issuer) == ("renews", "Example-CA")
    assert "“Example-CA”" in outlook.sentence


def test_a_renewal_that_would_replace_it_by_a_self_signed_one_is_said_loudly() -> None:
    proposal = importing.propose(candidate(), certificate=holder())

    outlook = importing.consequence(proposal.policy, self_signed=False)

    assert (outlook.code, outlook.issuer) == ("renews-self-signed", SELF)
    assert "would renew as a self-signed certificate and replace yours" in outlook.sentence


def test_a_self_signed_certificate_may_renew_as_what_it_is() -> None:
    now, key = datetime.now(UTC), authority.ec_key()
    csr = authority.make_csr(key=key)
    leaf = Leaf(der=self_sign(csr, key, not_before=now, not_after=now + timedelta(days=9)), key=key, csr=csr)
    found = candidate_of(leaf)
    proposal = importing.propose(found, certificate=holder())

    assert importing.consequence(proposal.policy, self_signed=found.facts.self_signed).code == "renews"
    assert importing.propose(found, certificate=None).policy.issuer_name == UNKNOWN
