from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import usual
from portal.forms.choices import KEYS
from portal.forms.initial import FRESH, initial_from
from portal.forms.policy import PolicyForm
from portal.forms.purposes import EMAIL_PROTECTION, PURPOSES
from tests.factories import make_operation, make_vault
from vault import policies
from vault.errors import PolicyViolation
from vault.lifecycle import issuing
from vault.models import Issuer, Operation, Vault
from vault.models.policy import (
    CLIENT_AUTH,
    KEY_USAGES,
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
from vault.providers import OFFERS
from vault.providers.base import Offer

RENEW, TELL = LifetimeActionType.AUTO_RENEW, LifetimeActionType.EMAIL_CONTACTS
WWW = AlternativeNames(dns=("www.example.org",))
PLACE = Vault(pk=1, name="payments")


def sent(base: Policy = FRESH, **changes: Any) -> QueryDict:
    """What a browser sends for the form as it stands, with some answers changed; None leaves one out."""
    data = QueryDict(mutable=True)
    for name, value in {**initial_from(base), **changes}.items():
        if isinstance(value, list):
            data.setlist(name, value)
        elif value is not None and value is not False:
            data[name] = "on" if value is True else str(value).replace("\n", "\r\n")
    return data


def form_of(base: Policy = FRESH, **changes: Any) -> PolicyForm:
    return PolicyForm(sent(base, **changes), vault=PLACE, base=base)


def complete(**facts: Any) -> Policy:
    """A policy as the vault keeps it."""
    return issuing.prepare(PLACE, replace(FRESH, **{"names": WWW, "subject": "CN=www.example.org", **facts}))


def test_one_name_and_nothing_else_makes_a_policy_that_can_be_issued() -> None:
    form = form_of(names="www.example.org")

    assert form.is_valid(), form.errors
    assert form.policy() == complete()
    assert form.policy().key == KeyPolicy(kty="EC", size=None, curve="P-256", exportable=True, reuse=False)


ODD = [
    complete(),
    *(complete(key=key) for key in KEYS.values()),
    complete(key=replace(KEYS["RSA 2048"], exportable=False, reuse=True)),
    *(
        complete(key=KEYS[key], key_usage=purpose.usages(KEYS[key].kty), ekus=purpose.ekus)
        for purpose in PURPOSES.values()
        for key in ("EC P-256", "RSA 4096")
    ),
    complete(issuer_name=UNKNOWN),
    complete(content_type=PEM_FILE, validity=Validity(number=90, unit="days")),
    complete(validity=Validity(number=1200, unit="months")),
    # What no purpose has, or what the fields show in another order.
    complete(key_usage=(), ekus=()),
    complete(key_usage=("decipherOnly",), ekus=("1.2.3.4.5",)),
    complete(key_usage=("keyEncipherment", "digitalSignature"), ekus=(CLIENT_AUTH, SERVER_AUTH)),
    complete(key_usage=KEY_USAGES, ekus=(SERVER_AUTH, EMAIL_PROTECTION, "2.5.29.37.0")),
    # Subjects: none at all, another than the usual one, spelled in its own way.
    complete(subject=""),
    complete(subject="CN=other.example"),
    complete(subject='cn=www.example.org ,  O="Example, Inc.",C=de'),
    complete(subject="CN=Alice", names=AlternativeNames()),
    # Names of every kind, in letters of either case, and some that no line of text can hold.
    complete(names=AlternativeNames(emails=("Alice@Example.org",), upns=("a@b.example",), ips=("192.0.2.1",))),
    complete(names=AlternativeNames(dns=("WWW.Example.org",)), subject=""),
    complete(names=AlternativeNames(dns=("www.example.org",), uris=("https://example.org/a,b", "urn:x:a;b"))),
    complete(names=AlternativeNames(uris=("https://example.org/a,b",)), subject=""),
    # What the form does not show at all.
    complete(certificate_type="OV-SSL", transparency=False),
    complete(lifetime_actions=(LifetimeAction(action=RENEW, lifetime_percentage=66),)),
    complete(lifetime_actions=(LifetimeAction(action=RENEW, days_before_expiry=30),)),
    complete(lifetime_actions=(LifetimeAction(action=TELL, days_before_expiry=1),)),
    complete(
        lifetime_actions=(
            LifetimeAction(action=TELL, lifetime_percentage=50),
            LifetimeAction(action=RENEW, days_before_expiry=10),
        )
    ),
]


@pytest.mark.parametrize("policy", ODD, ids=range(len(ODD)))
def test_opening_and_saving_the_form_changes_nothing(policy: Policy) -> None:
    form = form_of(policy)

    assert form.is_valid(), form.errors
    assert form.policy() == policy


@pytest.mark.parametrize("policy", ODD, ids=range(len(ODD)))
def test_changing_one_thing_changes_that_thing_alone(policy: Policy) -> None:
    form = form_of(policy, validity_number=17, validity_unit="months")

    assert form.is_valid(), form.errors
    assert form.policy() == replace(policy, validity=Validity(number=17, unit="months"))


def rules(issuer: str) -> st.SearchStrategy[tuple[LifetimeAction, ...]]:
    when = st.one_of(
        st.fixed_dictionaries({"lifetime_percentage": st.integers(1, 99)}),
        st.fixed_dictionaries({"days_before_expiry": st.integers(1, 300)}),
    )
    kinds = [TELL] if issuer == UNKNOWN else [RENEW, TELL]
    chosen = st.lists(st.sampled_from(kinds), unique=True, min_size=1)
    return chosen.flatmap(
        lambda actions: st.tuples(
            *(when.map(lambda at, a=action: LifetimeAction(action=a, **at)) for action in actions)
        )
    )


any_policy = st.sampled_from([SELF, UNKNOWN]).flatmap(
    lambda issuer: st.builds(
        Policy,
        key=st.builds(replace, st.sampled_from(list(KEYS.values())), exportable=st.booleans(), reuse=st.booleans()),
        content_type=st.sampled_from([PKCS12, PEM_FILE]),
        subject=st.sampled_from(["", "CN=www.example.org", "CN=a.example, O=Example", "O=Example"]),
        names=st.builds(
            AlternativeNames,
            dns=st.lists(st.sampled_from(["www.example.org", "*.a.example", "b.example"]), unique=True, min_size=1).map(
                tuple
            ),
            emails=st.sampled_from([(), ("alice@example.org",)]),
            upns=st.sampled_from([(), ("alice@corp.example",)]),
            uris=st.sampled_from([(), ("https://example.org/x",), ("urn:a:b,c",)]),
            ips=st.sampled_from([(), ("192.0.2.7", "2001:db8::7")]),
        ),
        key_usage=st.lists(st.sampled_from(KEY_USAGES), unique=True).map(tuple),
        ekus=st.lists(st.sampled_from([SERVER_AUTH, CLIENT_AUTH, EMAIL_PROTECTION, "1.2.3.4"]), unique=True).map(tuple),
        validity=st.builds(Validity, number=st.integers(400, 1200), unit=st.sampled_from(["days", "months"])),
        issuer_name=st.just(issuer),
        lifetime_actions=rules(issuer),
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policy=any_policy)
def test_any_policy_survives_the_form(policy: Policy) -> None:
    policies.check(policy)

    form = form_of(policy)

    assert form.is_valid(), form.errors
    assert form.policy() == policy


def test_a_new_name_keeps_the_names_that_cannot_be_written() -> None:
    policy = complete(names=AlternativeNames(dns=("www.example.org",), uris=("https://example.org/a,b",)))

    form = form_of(policy, names="www.example.org\nb.example")

    assert form.is_valid(), form.errors
    assert form.policy().names == replace(policy.names, dns=("www.example.org", "b.example"))


def test_the_names_that_cannot_be_written_can_be_dropped() -> None:
    policy = complete(names=AlternativeNames(dns=("www.example.org",), uris=("https://example.org/a,b",)))

    form = form_of(policy, keep_names=None)

    assert form.is_valid(), form.errors
    assert form.policy().names == WWW


def test_the_common_name_follows_the_first_name() -> None:
    form = form_of(complete(), names="new.example www.example.org")

    assert form.is_valid(), form.errors
    assert form.policy().subject == "CN=new.example"


def test_a_subject_of_its_own_stays_when_the_names_change() -> None:
    form = form_of(complete(subject="CN=Payments, O=Example"), names="new.example")

    assert form.is_valid(), form.errors
    assert form.policy().subject == "CN=Payments, O=Example"


@pytest.mark.parametrize(
    ("purpose", "key", "usages", "ekus"),
    [
        ("server", "EC P-256", {"digitalSignature"}, {SERVER_AUTH}),
        ("server", "RSA 2048", {"digitalSignature", "keyEncipherment"}, {SERVER_AUTH}),
        ("client", "RSA 2048", {"digitalSignature"}, {CLIENT_AUTH}),
        ("both", "RSA 3072", {"digitalSignature", "keyEncipherment"}, {SERVER_AUTH, CLIENT_AUTH}),
        ("email", "EC P-384", {"digitalSignature", "keyAgreement"}, {EMAIL_PROTECTION}),
    ],
)
def test_purpose_and_key_together_decide_the_key_usages(
    purpose: str, key: str, usages: set[str], ekus: set[str]
) -> None:
    form = form_of(names="www.example.org alice@example.org", purpose=purpose, key=key)

    assert form.is_valid(), form.errors
    assert (set(form.policy().key_usage), set(form.policy().ekus)) == (usages, ekus)


def test_another_key_type_changes_what_a_purpose_means() -> None:
    form = form_of(complete(), key="RSA 2048")

    assert form.is_valid(), form.errors
    assert form.policy().key_usage == ("digitalSignature", "keyEncipherment")


def test_the_purpose_other_takes_usages_and_ekus_in_words_or_numbers() -> None:
    form = form_of(
        names="www.example.org", purpose="other", key_usage=["cRLSign", "digitalSignature"], ekus="codeSigning, 1.2.3.4"
    )

    assert form.is_valid(), form.errors
    assert form.policy().key_usage == ("digitalSignature", "cRLSign")
    assert form.policy().ekus == ("1.3.6.1.5.5.7.3.3", "1.2.3.4")


def test_an_issuer_by_hand_has_people_told_where_nothing_else_was_chosen() -> None:
    form = form_of(names="www.example.org", issuer=UNKNOWN)

    assert form.is_valid(), form.errors
    assert form.policy().lifetime_actions == (LifetimeAction(action=TELL, lifetime_percentage=80),)


@pytest.mark.parametrize(("issuer", "months"), [(SELF, 12), (UNKNOWN, 6)])
def test_an_empty_validity_is_the_usual_one_of_the_issuer(issuer: str, months: int) -> None:
    form = form_of(names="www.example.org", issuer=issuer, validity_number="")

    assert form.is_valid(), form.errors
    assert form.policy().validity == Validity(number=months, unit="months")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"names": ""}, "names", "neither a name nor a subject"),
    ({"names": "foo_bar.example"}, "names", "underscore"),
    ({"names": "a\0b.example"}, "names", "U+0000"),
    ({"names": "\u202emoc.elpmaxe"}, "names", "U+202E"),
    ({"names": "<script>alert(1)</script>"}, "names", "not a host name"),
    ({"names": " ".join(f"n{number}.example" for number in range(10_000))}, "names", "10000 names"),
    ({"names": " ".join(f"_{number}" for number in range(400))}, "names", "… and 392 more"),
    ({"names": "x" * 500_000}, "names", "1 to 253 characters"),
    ({"names": "x" * 500_001}, "names", "500001 characters"),
    ({"subject": "www"}, "subject", "no KEY="),
    ({"subject": "CN=" + "x" * 198}, "subject", "201 characters"),
    ({"subject": "CN=a\0"}, "subject", "cannot be seen"),
    ({"subject": "CN=\u202egpj"}, "subject", "cannot be seen"),
    ({"subject": "CN=a", "no_subject": True}, "subject", "Clear one"),
    ({"issuer": "Example CA"}, "issuer", "“Example CA” is not one"),
    ({"issuer": "x" * 100_000}, "issuer", "is not one"),
    ({"issuer": None}, "issuer", "Choose an issuer"),
    ({"purpose": None}, "purpose", "Choose a purpose"),
    ({"purpose": "<b>"}, "purpose", "“<b>” is not one"),
    ({"key": None}, "key", "Choose a key"),
    ({"key": "RSA 1024"}, "key", "“RSA 1024” is not one"),
    ({"key": "\0"}, "key", "U+0000"),
    ({"content_type": None}, "content_type", "Choose PFX or PEM"),
    ({"content_type": "text/html"}, "content_type", "is not one"),
    ({"validity_number": "0"}, "validity_number", "“0”"),
    ({"validity_number": "-1"}, "validity_number", "“-1”"),
    ({"validity_number": "1.5"}, "validity_number", "“1.5”"),
    ({"validity_number": "36501"}, "validity_number", "1 to 36500"),
    ({"validity_number": "1201"}, "validity_number", "1201 months is not possible"),
    ({"validity_number": "9" * 4000}, "validity_number", "1 to 36500"),
    ({"validity_number": "9" * 5000}, "validity_number", "1 to 36500"),
    ({"validity_number": "\0"}, "validity_number", "U+0000"),
    ({"validity_unit": "years"}, "validity_unit", "“years” is not one"),
    ({"validity_unit": None}, "validity_unit", "Choose days or months"),
    ({"key_usage": ["everything"]}, "key_usage", "“everything” is not one"),
    ({"purpose": "other", "ekus": "1.2.3.x"}, "ekus", "“1.2.3.x”"),
    ({"purpose": "other", "ekus": "\0"}, "ekus", "object identifier"),
    ({"purpose": "other", "ekus": "\n".join(f"1.2.{n}" for n in range(60))}, "ekus", "60 extended key usages"),
    ({"renewal": None}, "renewal", "Choose a way"),
    ({"renewal": "never"}, "renewal", "“never” is not one"),
    ({"renewal": "renew", "renew_number": ""}, "renew_number", "Say when"),
    ({"renewal": "both", "tell_number": ""}, "tell_number", "Say when"),
    ({"renewal": "renew", "renew_number": "100"}, "renewal", "100 %"),
    ({"renewal": "tell", "tell_number": "5000", "tell_unit": "days"}, "renewal", "5000 days"),
    ({"renewal": "renew", "issuer": UNKNOWN}, "renewal", "cannot renew by itself"),
]


@pytest.mark.parametrize(("changes", "field", "words"), BAD, ids=range(len(BAD)))
def test_what_cannot_stand_is_refused_beside_its_field(changes: dict[str, Any], field: str, words: str) -> None:
    form = form_of(**{"names": "www.example.org", **changes})

    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert words in " ".join(form.errors[field])


@pytest.mark.parametrize("name", ["names", "subject", "issuer", "validity_number", "key", "exportable"])
def test_a_field_that_is_sent_twice_is_refused(name: str) -> None:
    data = sent(names="www.example.org")
    data.appendlist(name, data.get(name, ""))

    form = PolicyForm(data, vault=PLACE)

    assert "more than once" in " ".join(form.errors[name])


def test_a_form_without_any_answers_names_every_choice_that_is_missing() -> None:
    form = PolicyForm(QueryDict(), vault=PLACE)

    assert {"purpose", "issuer", "key", "content_type", "renewal"} <= form.errors.keys()


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        ({}, set()),
        ({"subject": "CN=a"}, {"subject"}),
        ({"key": "RSA 2048"}, {"key"}),
        ({"exportable": None}, {"key"}),
        ({"renewal": "renew"}, {"renewal"}),
        ({"purpose": "other", "ekus": "x"}, {"usages"}),
        ({"change": "content_type"}, {"key"}),
    ],
)
def test_folded_parts_are_open_where_there_is_something_to_see(changes: dict[str, Any], opened: set[str]) -> None:
    form = form_of(**{"names": "www.example.org", **changes})

    assert form.opened == opened


def test_issuers_are_those_of_the_vault() -> None:
    form = PolicyForm(vault=make_vault())

    assert [name for name, _ in form.fields["issuer"].choices] == [SELF, UNKNOWN]


# -------------------------------------------------------- a vault's own issuers
OFFER = Offer(
    key="Types",
    title="Typed CA",
    about="",
    fields=(),
    build=lambda _: None,
    certificate_types=("OV-SSL", "EV-SSL"),  # type: ignore[arg-type,return-value]
)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault with an issuer that has types and one that has none."""
    monkeypatch.setitem(OFFERS, "Types", OFFER)
    vault = make_vault()
    Issuer.objects.create(vault=vault, name="typed", provider="Types", secrets=b"")
    Issuer.objects.create(vault=vault, name="plain", provider="Nobody", secrets=b"", pause=Issuer.Pause.CREDENTIALS)
    Issuer.objects.create(vault=vault, name="off", provider="Types", secrets=b"", enabled=False)
    return vault


def asked(vault: Vault, base: Policy = FRESH, **answers: Any) -> PolicyForm:
    return PolicyForm(sent(base, names="www.example.org", **answers), vault=vault, base=base)


def test_a_vaults_own_issuers_are_cards_with_what_is_known_of_them(vault: Vault) -> None:
    began = timezone.now() - timedelta(hours=1)
    for minutes in (3, 4, 50):
        operation = make_operation(vault=vault, issuer=SELF)
        facts = {"status": "completed", "created_at": began, "ended_at": began + timedelta(minutes=minutes)}
        Operation.objects.filter(pk=operation.pk).update(issuer=Issuer.objects.get(name="typed"), **facts)

    field = PolicyForm(vault=vault).fields["issuer"]
    cards = {value: (card.hint, card.meta) for value, card in field.choices}  # type: ignore[attr-defined]

    assert list(cards) == [SELF, UNKNOWN, "plain", "typed"]
    assert cards["typed"] == ("Typed CA", "Usually 4 min")
    assert "paused" in cards["plain"][0]


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ({"issuer": "typed", "certificate_type": "EV-SSL"}, "EV-SSL"),
        ({"issuer": "typed", "certificate_type": ""}, ""),
        ({"issuer": "plain", "certificate_type": "EV-SSL"}, ""),
        ({"issuer": SELF, "certificate_type": "OV-SSL"}, ""),
    ],
)
def test_a_type_counts_for_issuers_that_have_types(vault: Vault, answers: dict[str, str], kept: str) -> None:
    form = asked(vault, **answers)

    assert form.is_valid(), form.errors
    assert form.policy().certificate_type == kept


def test_a_registered_issuer_renews_automatically_and_six_months_are_usual(vault: Vault) -> None:
    form = asked(vault, issuer="typed", validity_number="")

    assert form.is_valid(), form.errors
    assert form.policy().validity == Validity(number=6, unit="months")
    assert form.policy().lifetime_actions == (LifetimeAction(action=RENEW, lifetime_percentage=80),)


def test_a_type_that_nobody_offers_is_refused_and_named(vault: Vault) -> None:
    form = asked(vault, issuer="typed", certificate_type="DV-SSL")
    with pytest.raises(PolicyViolation, match="Choose OV-SSL or EV-SSL") as refusal:
        issuing.prepare(vault, replace(complete(), issuer_name="typed", certificate_type="DV-SSL"))

    assert "“DV-SSL” is not one of the choices" in str(form.errors["certificate_type"])
    assert refusal.value.field == "certificate_type"


def test_where_no_issuer_has_types_none_are_asked_for() -> None:
    assert "certificate_type" not in form_of().fields
    assert "off" not in str(PolicyForm(vault=PLACE)["issuer"])


def test_where_the_key_is_elsewhere_as_usual_means_that_people_are_told(vault: Vault) -> None:
    form = PolicyForm(sent(names="www.example.org", issuer="typed"), vault=vault, brought=True)

    assert form.is_valid(), form.errors
    assert form.policy().lifetime_actions == (LifetimeAction(action=TELL, lifetime_percentage=80),)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 min"), (61, "2 min"), (5400, "90 min"), (5401, "2 h"), (130_000, "2 days")]
)
def test_usual_times_are_rounded_up(seconds: int, words: str) -> None:
    assert usual.words(timedelta(seconds=seconds)) == words
