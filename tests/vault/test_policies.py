from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_policy
from vault import policies
from vault.errors import BadParameter, PolicyViolation
from vault.models.policy import (
    KEY_USAGES,
    SELF,
    UNKNOWN,
    AlternativeNames,
    KeyPolicy,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)

pytestmark = pytest.mark.no_database
RENEW, TELL = LifetimeActionType.AUTO_RENEW, LifetimeActionType.EMAIL_CONTACTS


def rule(action=RENEW, **when) -> tuple[LifetimeAction, ...]:
    return (LifetimeAction(action=action, **when),)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"key": KeyPolicy(kty="RSA", size=4096)},
        {"key": KeyPolicy(kty="EC", size=None, curve="P-256K")},
        {"subject": "", "names": AlternativeNames(dns=("www.example.org",))},
        {"subject": "CN=x, O=Example", "names": AlternativeNames()},
        {"key_usage": (), "ekus": ()},
        {"key_usage": ("decipherOnly",)},
        {"key_usage": KEY_USAGES},
        {"ekus": ("1.3.6.1.4.1.311.20.2.2",)},
        {"validity": Validity(number=1, unit="days")},
        {"validity": Validity(number=1200, unit="months")},
        {"lifetime_actions": rule(lifetime_percentage=1)},
        {"lifetime_actions": rule(lifetime_percentage=99)},
        {"lifetime_actions": rule(days_before_expiry=27 * 12)},
        {"lifetime_actions": rule(lifetime_percentage=80) + rule(TELL, days_before_expiry=10)},
        {"issuer_name": UNKNOWN, "lifetime_actions": rule(TELL, lifetime_percentage=80)},
    ],
    ids=str,
)
def test_what_the_key_vault_allows_is_allowed(changes: dict) -> None:
    policies.check(make_policy(**changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": KeyPolicy(kty="RSA", size=1024)}, "key"),
        ({"key": KeyPolicy(kty="RSA", size=None)}, "key"),
        ({"key": KeyPolicy(kty="EC", size=None, curve="P-192")}, "key"),
        ({"key": KeyPolicy(kty="EC", size=None, curve=None)}, "key"),
        ({"key": KeyPolicy(kty="oct", size=256)}, "key"),  # type: ignore[arg-type]
        ({"subject": "", "names": AlternativeNames()}, "names"),
        ({"subject": "no subject"}, "subject"),
        ({"subject": "", "names": AlternativeNames(dns=("a\x00b.example",))}, "names"),
        ({"key_usage": ("signEverything",)}, "key_usage"),
        ({"ekus": ("serverAuth",)}, "ekus"),
        ({"ekus": ("1",)}, "ekus"),
        ({"ekus": ("1.40.1",)}, "ekus"),
        ({"ekus": ("1.02.3",)}, "ekus"),
        ({"ekus": ("1.2.3\n",)}, "ekus"),
        ({"ekus": tuple(f"1.2.{n}" for n in range(51))}, "ekus"),
        ({"content_type": "text/html"}, "content_type"),
        ({"validity": Validity(number=0)}, "validity"),
        ({"validity": Validity(number=-5)}, "validity"),
        ({"validity": Validity(number=1201)}, "validity"),
        ({"validity": Validity(number=36_501, unit="days")}, "validity"),
        ({"lifetime_actions": rule()}, "lifetime_actions"),
        ({"lifetime_actions": rule(lifetime_percentage=80, days_before_expiry=3)}, "lifetime_actions"),
        ({"lifetime_actions": rule(lifetime_percentage=0)}, "lifetime_actions"),
        ({"lifetime_actions": rule(lifetime_percentage=100)}, "lifetime_actions"),
        ({"lifetime_actions": rule(days_before_expiry=0)}, "lifetime_actions"),
        ({"lifetime_actions": rule(days_before_expiry=27 * 12 + 1)}, "lifetime_actions"),
        (
            {"validity": Validity(number=30, unit="days"), "lifetime_actions": rule(days_before_expiry=30)},
            "lifetime_actions",
        ),
        ({"lifetime_actions": rule(lifetime_percentage=1) + rule(lifetime_percentage=2)}, "lifetime_actions"),
        ({"issuer_name": UNKNOWN, "lifetime_actions": rule(lifetime_percentage=80)}, "lifetime_actions"),
    ],
    ids=str,
)
def test_what_contradicts_itself_is_refused_at_its_field(changes: dict, field: str) -> None:
    with pytest.raises(BadParameter) as caught:
        policies.check(make_policy(**changes))

    assert caught.value.field == field


def test_defaults_follow_the_issuer_and_leave_given_rules_alone() -> None:
    given_rule = rule(days_before_expiry=5)

    assert policies.with_defaults(make_policy(issuer_name=SELF)).lifetime_actions[0].action is RENEW
    assert policies.with_defaults(make_policy(issuer_name=UNKNOWN)).lifetime_actions[0].action is TELL
    assert policies.with_defaults(make_policy(lifetime_actions=given_rule)).lifetime_actions == given_rule


@pytest.mark.parametrize(
    "tags",
    [
        {str(n): "x" for n in range(16)},
        {"": "x"},
        {"n" * 513: "x"},
        {"n": "x" * 513},
        {"n": "a\x00b"},
        {"n\n": "x"},
        {"n": "\u202egnp.exe"},
    ],
    ids=lambda tags: f"{len(tags)} tags {len(str(tags))} long",
)
def test_tags_beyond_their_limits_are_refused(tags: dict) -> None:
    with pytest.raises(BadParameter):
        policies.check_tags(tags)


def test_tags_at_their_limits_are_taken() -> None:
    policies.check_tags({f"{n:0512}": "x" * 512 for n in range(15)})


def test_a_policy_survives_its_column() -> None:
    policy = make_policy(lifetime_actions=rule(lifetime_percentage=80), certificate_type="OV-SSL", transparency=True)

    assert Policy.from_json(policy.to_json()) == policy


@given(
    st.builds(
        AlternativeNames,
        dns=st.lists(st.text(max_size=5)).map(tuple),
        ips=st.lists(st.text(max_size=5)).map(tuple),
    ),
    st.integers(1, 10**6),
)
def test_any_policy_survives_json(names: AlternativeNames, number: int) -> None:
    import json

    policy = replace(Policy(), names=names, validity=Validity(number=number))

    assert Policy.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_a_refusal_is_a_policy_violation() -> None:
    with pytest.raises(PolicyViolation, match="RSA keys of 512 bits are not made here"):
        policies.check(make_policy(key=KeyPolicy(kty="RSA", size=512)))
