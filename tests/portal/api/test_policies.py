"""Policies on the wire and back, without a vault around them."""

from dataclasses import replace

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal.api import policies
from portal.api.ids import Ids
from portal.api.models.policy import CertificatePolicy
from tests.factories import make_policy
from vault.errors import PolicyViolation
from vault.models import Certificate
from vault.models.policy import (
    KEY_USAGES,
    PEM_FILE,
    PKCS12,
    AlternativeNames,
    KeyPolicy,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)
from vault.x509.dates import validity_months

pytestmark = pytest.mark.no_database
IDS = Ids("https://payments.vault.localhost")

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
rsa = st.builds(KeyPolicy, kty=st.just("RSA"), size=st.sampled_from([2048, 3072, 4096]), exportable=st.booleans(), reuse=st.booleans())  # fmt: skip
curves = st.builds(KeyPolicy, kty=st.just("EC"), size=st.none(), curve=st.sampled_from(["P-256", "P-384", "P-521", "P-256K"]), exportable=st.booleans())  # fmt: skip
some = st.lists(texts, max_size=3).map(tuple)
rules = st.builds(LifetimeAction, action=st.sampled_from(LifetimeActionType), lifetime_percentage=st.integers(1, 99)) | st.builds(LifetimeAction, action=st.sampled_from(LifetimeActionType), days_before_expiry=st.integers(1, 300))  # fmt: skip
whole = st.builds(
    Policy,
    key=rsa | curves,
    content_type=st.sampled_from([PKCS12, PEM_FILE]),
    subject=texts,
    names=st.builds(AlternativeNames, dns=some, emails=some, upns=some, uris=some, ips=some),
    key_usage=st.lists(st.sampled_from(KEY_USAGES), unique=True).map(tuple),
    ekus=some,
    validity=st.builds(Validity, number=st.integers(1, 3000), unit=st.sampled_from(["days", "months"])),
    issuer_name=st.sampled_from(["Self", "Unknown", "example-ca"]),
    certificate_type=st.sampled_from(["", "OV-SSL"]),
    transparency=st.none() | st.booleans(),
    lifetime_actions=st.lists(rules, max_size=2).map(tuple),
)


def sent_back(policy: Policy) -> CertificatePolicy:
    """What a client holds after reading the policy, as it would send it."""
    moment = timezone.now()
    certificate = Certificate(name="www", policy=policy, created_at=moment, policy_updated_at=moment)
    text = policies.shown(certificate, IDS).model_dump_json(by_alias=True, exclude_none=True)
    return CertificatePolicy.model_validate_json(text)


@given(whole)
def test_what_was_shown_and_sent_back_changes_nothing(policy: Policy) -> None:
    assert policies.patched(policy, sent_back(policy)) == policy


@given(whole)
def test_what_was_shown_can_be_asked_for(policy: Policy) -> None:
    asked = policies.asked(sent_back(policy), name="www")

    months = Validity(number=validity_months(policy.validity.number, policy.validity.unit))
    assert asked == replace(policy, validity=months)


@given(whole)
def test_empty_objects_change_nothing(policy: Policy) -> None:
    text = '{"key_props": {}, "secret_props": {}, "x509_props": {"sans": {}, "basic_constraints": {}}, "issuer": {}}'

    assert policies.patched(policy, CertificatePolicy.model_validate_json(text)) == policy


@pytest.mark.parametrize("days", [1, 30, 90, 397, 398, 3650])
def test_days_stay_days_until_other_months_are_asked_for(days: int) -> None:
    policy = make_policy(validity=Validity(number=days, unit="days"))
    months = validity_months(days, "days")

    same = policies.patched(policy, CertificatePolicy.model_validate({"x509_props": {"validity_months": months}}))
    other = policies.patched(policy, CertificatePolicy.model_validate({"x509_props": {"validity_months": months + 1}}))

    assert same.validity == policy.validity
    assert other.validity == Validity(number=months + 1, unit="months")


def test_a_long_text_about_the_platform_is_refused() -> None:
    given_ = CertificatePolicy(platform_managed={"certificateUsage": "x" * 4001})

    with pytest.raises(PolicyViolation, match="too long"):
        policies.asked(given_, name="www")
