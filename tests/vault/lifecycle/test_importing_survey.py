"""What a look at an upload says, over all its files."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_vault
from tests.pki import authority, forging, uploads
from tests.pki.authority import Leaf
from vault.lifecycle import chaining, importing
from vault.lifecycle.importing import Candidate, Outcome, Survey
from vault.x509.certificates import self_sign
from vault.x509.found import FoundFile, Ignored, Locked

ROOT = authority.make_root()
ISSUING = authority.make_intermediate(ROOT)
CHAIN = (ISSUING.der, ROOT.der)
SITE = authority.make_leaf(ISSUING)


def look(*files: FoundFile) -> Survey:
    return importing.survey(make_vault(), uploads.upload(*files))


def only(survey: Survey) -> Candidate:
    (candidate,) = survey.candidates
    return candidate


def outcomes(survey: Survey) -> list[tuple[str, Outcome]]:
    return [(row.file, row.outcome) for row in survey.rows]


def codes(candidate: Candidate) -> list[str]:
    return [warning.code for warning in candidate.warnings]


def signed_again(leaf: Leaf, **facts) -> bytes:
    return authority.sign_csr(ISSUING, leaf.csr, **facts)


def made_with(key, *, days: int = 90) -> bytes:
    """A certificate for a key of any kind, signed by the issuing CA."""
    start = datetime.now(UTC) - timedelta(hours=1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "odd.example.org")])
    builder = x509.CertificateBuilder(ISSUING.subject, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("odd.example.org")]), critical=False)
    return builder.sign(ISSUING.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_pfx_with_its_chain_is_one_candidate_without_a_doubt() -> None:
    survey = look(uploads.pfx(SITE, *reversed(CHAIN)))

    candidate = only(survey)
    assert candidate.can_be_imported
    assert (candidate.leaf, candidate.key.spki_sha256) == (SITE.der, candidate.facts.spki_sha256)
    assert (candidate.chain.certificates, candidate.chain.complete, candidate.added) == (CHAIN, True, ())
    assert (candidate.warnings, candidate.sources, survey.refusal) == ((), ("site.pfx",), "")
    assert outcomes(survey) == [("site.pfx", Outcome.IMPORTABLE)]
    assert survey.importable == (candidate,)


def test_key_certificate_and_chain_are_brought_together_from_several_files() -> None:
    other = authority.make_leaf(ISSUING, "other.example.org")

    survey = look(
        uploads.file("keys/site.key", keys=[SITE.key]),
        uploads.file("chain.p7b", *CHAIN),
        uploads.file("site.crt", SITE.der),
        uploads.pfx(other, name="other.pfx"),
        uploads.file("bundle.pem", SITE.der, ISSUING.der),
    )

    first, second = survey.candidates
    assert (first.leaf, first.sources) == (SITE.der, ("site.crt", "bundle.pem", "keys/site.key"))
    assert (second.leaf, second.number, second.chain.certificates) == (other.der, 1, CHAIN)
    assert outcomes(survey) == [
        ("keys/site.key", Outcome.PART),
        ("chain.p7b", Outcome.PART),
        ("site.crt", Outcome.IMPORTABLE),
        ("other.pfx", Outcome.IMPORTABLE),
        ("bundle.pem", Outcome.PART),
    ]
    assert [row.candidate for row in survey.rows] == [0, 0, 0, 1, 0]


def test_a_file_with_two_certificates_and_their_keys_has_a_row_for_each() -> None:
    other = authority.make_leaf(ISSUING, "other.example.org")

    survey = look(uploads.file("all.pem", SITE.der, other.der, keys=[SITE.key, other.key]))

    assert [(row.file, row.outcome, row.candidate) for row in survey.rows] == [
        ("all.pem", Outcome.IMPORTABLE, 0),
        ("all.pem", Outcome.IMPORTABLE, 1),
    ]


def test_a_certificate_without_its_key_says_what_to_send_and_where_a_request_is_found() -> None:
    survey = look(uploads.file("site.crt", SITE.der, *CHAIN))

    assert survey.candidates == ()
    assert outcomes(survey) == [("site.crt", Outcome.REFUSED)]
    assert "The private key of “www.example.org” is not among these files" in survey.refusal
    assert "“I have a certificate” finds that request" in survey.refusal


def test_a_key_without_its_certificate_says_what_is_missing() -> None:
    survey = look(uploads.file("site.key", keys=[authority.ec_key()]), uploads.file("site.crt", SITE.der))

    assert survey.candidates == ()
    assert outcomes(survey) == [("site.key", Outcome.REFUSED), ("site.crt", Outcome.REFUSED)]
    assert survey.rows[0].sentence.startswith("The certificate of this private key (EC P-256) is not among")
    assert survey.refusal.startswith("site.key: ")


def test_two_certificates_for_one_key_are_not_guessed_between() -> None:
    survey = look(uploads.file("both.pem", SITE.der, signed_again(SITE, days=30), *CHAIN, keys=[SITE.key]))

    candidate = only(survey)
    assert candidate.refusal_code == "several-certificates"
    assert candidate.refusal.startswith("2 different certificates here belong to one private key; they end on ")
    assert candidate.leaf == SITE.der
    assert survey.refusal == candidate.refusal
    assert outcomes(survey) == [("both.pem", Outcome.REFUSED)]


def test_a_refused_key_refuses_the_pair_in_its_own_words() -> None:
    key = uploads.found_key(SITE.key, refusal="This key is on a list of keys that everybody knows. Make a new one.")

    candidate = only(look(uploads.file("site.pem", SITE.der, keys=[key])))

    assert (candidate.refusal_code, candidate.refusal) == ("key-refused", key.refusal)
    assert candidate.warnings == ()


@pytest.mark.parametrize(
    ("key", "title"),
    [(ed25519.Ed25519PrivateKey.generate(), "Ed25519"), (rsa.generate_private_key(65537, 1024), "RSA 1024")],
    ids=["ed25519", "rsa-1024"],
)
def test_kinds_of_keys_that_no_policy_knows_are_refused_by_name(key, title: str) -> None:
    candidate = only(look(uploads.file("odd.pem", made_with(key), keys=[key])))

    assert candidate.refusal_code == "key-type"
    assert candidate.refusal.startswith(f"{title} keys are not kept here. RSA keys of 2048, 3072, 4096 bits are")


def test_rsa_keys_of_one_upload_that_share_a_prime_are_both_refused() -> None:
    first, second = authority.rsa_key(number=0).private_numbers(), authority.rsa_key(number=1).private_numbers()
    p, q = first.p, second.q
    d = pow(65537, -1, (p - 1) * (q - 1))
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    sharing = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(65537, p * q)).private_key()
    keys = [authority.rsa_key(number=0), authority.rsa_key(number=2), sharing]

    survey = look(
        *(uploads.pfx(authority.make_leaf(ISSUING, key=key), *CHAIN, name=f"{n}.pfx") for n, key in enumerate(keys))
    )

    assert [one.refusal_code for one in survey.candidates] == ["shared-factor", "", "shared-factor"]
    assert [row.outcome for row in survey.rows] == [Outcome.REFUSED, Outcome.IMPORTABLE, Outcome.REFUSED]
    assert "shares a prime with another key" in survey.candidates[0].refusal


def test_an_expired_certificate_is_refused_and_may_still_go_to_the_archive() -> None:
    old = Leaf(der=signed_again(SITE, days=0.001), key=SITE.key, csr=SITE.csr)

    survey = look(uploads.pfx(old))

    candidate = only(survey)
    assert (candidate.refusal_code, candidate.is_expired) == ("expired", True)
    assert candidate.refusal.startswith("This certificate expired on ")
    assert (survey.importable, survey.refusal) == ((), "")
    assert codes(candidate) == ["no-chain"]


def test_what_breaks_the_standard_is_refused_even_when_it_has_expired_too() -> None:
    old = signed_again(SITE, days=0.001)
    broken = forging.with_version(ISSUING, old, 1)

    candidate = only(look(uploads.file("site.pem", broken, keys=[SITE.key])))

    assert (candidate.refusal_code, candidate.is_expired) == ("certificate-refused", False)
    assert "not a version 3 certificate" in candidate.refusal


def test_a_weak_signature_is_refused() -> None:
    weak = forging.with_algorithm(ISSUING, SITE.der, "1.2.840.10045.4.1")

    candidate = only(look(uploads.file("site.pem", weak, keys=[SITE.key])))

    assert candidate.refusal_code == "certificate-refused"
    assert "SHA-1" in candidate.refusal


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"names": []}, "no-names"),
        ({"not_before": datetime.now(UTC) + timedelta(days=5)}, "not-yet-valid"),
        ({"not_before": datetime.now(UTC) - timedelta(days=80)}, "few-days"),
        ({"ca": True}, "is-ca"),
        ({"extra": [x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")]}, "unknown-critical"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_lawful_and_doubtful_is_importable_with_a_warning(facts: dict, code: str) -> None:
    leaf = Leaf(der=signed_again(SITE, **facts), key=SITE.key, csr=SITE.csr)

    candidate = only(look(uploads.pfx(leaf, *CHAIN)))

    assert candidate.can_be_imported
    assert codes(candidate) == [code]


def test_a_self_signed_certificate_needs_no_chain() -> None:
    now = datetime.now(UTC)
    der = self_sign(SITE.csr, SITE.key, not_before=now, not_after=now + timedelta(days=90))

    candidate = only(look(uploads.file("self.pem", der, keys=[SITE.key])))

    assert candidate.can_be_imported
    assert (candidate.chain.complete, candidate.facts.self_signed) == (True, True)
    assert codes(candidate) == []


def test_a_ca_with_its_key_is_a_candidate_and_an_issuer_at_once() -> None:
    survey = look(uploads.file("ca.pem", ISSUING.der, ROOT.der, keys=[ISSUING.key]), uploads.pfx(SITE))

    ca, site = survey.candidates
    assert codes(ca) == ["no-names", "is-ca"]
    assert site.chain.certificates == CHAIN


def test_the_vault_fills_in_the_issuers_that_it_knows() -> None:
    vault = make_vault()
    chaining.remember(vault, CHAIN)

    candidate = only(importing.survey(vault, uploads.upload(uploads.pfx(SITE))))

    assert (candidate.chain.certificates, candidate.added) == (CHAIN, CHAIN)
    assert codes(candidate) == []


def test_a_ca_that_someone_certified_again_does_not_get_into_the_chains_of_others() -> None:
    vault, evil = make_vault(), authority.make_root("Evil Root")
    twin = authority.make_intermediate(evil, key=ISSUING.key, days=30_000)
    lookalikes = [authority.make_intermediate(evil, days=30_000).der for _ in range(15)]
    for chain in (CHAIN, (twin.der, evil.der), lookalikes):
        chaining.remember(vault, chain)

    candidate = only(importing.survey(vault, uploads.upload(uploads.pfx(SITE))))

    assert candidate.chain.certificates == CHAIN


def test_of_a_ca_that_was_certified_again_the_valid_certificate_is_filled_in() -> None:
    vault = make_vault()
    expired = authority.make_intermediate(ROOT, key=ISSUING.key, days=-1)
    chaining.remember(vault, (expired.der, *CHAIN))

    candidate = only(importing.survey(vault, uploads.upload(uploads.pfx(SITE))))

    assert candidate.chain.certificates == CHAIN


def test_files_that_are_locked_or_useless_say_so_and_the_rest_is_taken() -> None:
    survey = look(
        uploads.file("locked.pfx", locked=Locked.WRONG_PASSWORD),
        uploads.file("closed.pem", locked=Locked.NEEDS_PASSWORD),
        uploads.file("ask.csr", requests=(uploads.found_request(SITE.csr),)),
        uploads.file("page.html", looks_like="a web page"),
        uploads.file("cut.pfx", refusal="The file is cut off."),
        uploads.file("spare.crt", authority.make_root("Other Root").der),
        uploads.pfx(SITE, *CHAIN),
    )

    assert [(row.outcome, row.sentence) for row in survey.rows[:-1]] == [
        (Outcome.LOCKED, "The password does not open it. Send it again with its own password."),
        (Outcome.LOCKED, "It is protected by a password. Send it again with its password."),
        (
            Outcome.NOTHING,
            "A certificate request holds no certificate. Have a CA sign it, or ask for the certificate here.",
        ),
        (Outcome.NOTHING, "This looks like a web page. There is no certificate with its private key in it."),
        (Outcome.REFUSED, "The file is cut off."),
        (Outcome.NOTHING, "“Other Root” is a CA certificate that is in no chain here, without its private key."),
    ]
    assert only(survey).can_be_imported
    assert (survey.locked, survey.refusal) == (Locked.WRONG_PASSWORD, "")


def test_what_stays_out_of_a_good_file_is_listed_with_reasons() -> None:
    other = authority.make_leaf(ISSUING, "other.example.org")

    survey = look(
        uploads.pfx(
            SITE,
            *CHAIN,
            other.der,
            ignored=(Ignored(what="a public key", why="The certificate holds it."),),
            refusal="A second key is cut off.",
            requests=(uploads.found_request(SITE.csr),),
        )
    )

    assert [(one.what, one.why.split(".")[0]) for one in survey.ignored] == [
        ("a public key", "The certificate holds it"),
        ("a part of the file", "A second key is cut off"),
        ("the certificate of “www.example.org”", "The private key of “www"),
        ("a certificate request", "It is not needed any more"),
    ]
    assert only(survey).can_be_imported


@pytest.mark.parametrize(
    ("facts", "outcome", "words"),
    [
        ({}, Outcome.REFUSED, "The private key of “www.example.org” is not among"),
        ({"locked": Locked.NEEDS_PASSWORD}, Outcome.LOCKED, "protected by a password"),
        ({"refusal": "The key is cut off."}, Outcome.REFUSED, "The key is cut off."),
        ({"keys": [authority.ec_key()]}, Outcome.REFUSED, "The certificate of this private key"),
    ],
    ids=["no key", "locked", "damaged", "another key"],
)
def test_a_chain_in_a_file_does_not_hide_what_is_wrong_with_the_rest(facts: dict, outcome: Outcome, words: str) -> None:
    keyless = authority.make_leaf(ISSUING)

    survey = look(uploads.pfx(SITE), uploads.file("other.pem", keyless.der, *CHAIN, **facts))

    assert only(survey).chain.certificates == CHAIN
    assert survey.rows[1].outcome == outcome
    assert survey.rows[1].sentence.startswith(words) or words in survey.rows[1].sentence


def test_a_second_key_without_its_certificate_is_left_over() -> None:
    survey = look(uploads.file("all.pem", SITE.der, *CHAIN, keys=[SITE.key, authority.ec_key("P-384")]))

    assert only(survey).can_be_imported
    assert [(one.what, one.why.split(" (")[0]) for one in survey.ignored] == [
        ("a private key (EC P-384)", "The certificate of this private key")
    ]


def test_a_damaged_certificate_is_named_and_refuses_nothing_else() -> None:
    survey = look(uploads.file("bad.crt", b"\x30\x00"), uploads.pfx(SITE, *CHAIN, b"\x30\x01\x00"))

    assert survey.rows[0].outcome == Outcome.REFUSED
    assert "damaged" in survey.rows[0].sentence
    assert [one.what for one in survey.ignored] == ["a damaged certificate"]
    assert only(survey).can_be_imported


def test_an_empty_upload_says_what_to_send() -> None:
    assert look().refusal.startswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("friendly", "subject", "names", "file", "expected"),
    [
        ("Shop 2026", "CN=shop.example.org", ["shop.example.org"], "a.pfx", "Shop-2026"),
        (
            "{8E1F6E0A-0000-4000-8000-1234567890AB}",
            "CN=*.example.org",
            ["x.example.org"],
            "a.pfx",
            "wildcard-example-org",
        ),
        ("cafe", "CN=shop.example.org", ["shop.example.org"], "a.pfx", "cafe"),
        ("1", "O=Example", ["mail.example.org"], "a.pfx", "mail-example-org"),
        ("", "O=Example", [], "keys/My Site.pfx", "My-Site"),
        ("", "CN=例え", [], "", "certificate"),
    ],
)
def test_the_name_comes_from_the_friendly_name_the_certificate_or_the_file(
    friendly: str, subject: str, names: list[str], file: str, expected: str
) -> None:
    csr = authority.make_csr(subject=subject, key=SITE.key)
    leaf = Leaf(der=authority.sign_csr(ISSUING, csr, names=names), key=SITE.key, csr=csr)

    candidate = only(look(uploads.pfx(leaf, name=file, friendly_name=friendly)))

    assert candidate.proposed_name == expected


def test_proposed_names_are_unique_in_an_upload_whatever_their_case() -> None:
    leaves = [authority.make_leaf(ISSUING) for _ in range(3)]

    survey = look(
        uploads.pfx(leaves[0], friendly_name="site"),
        uploads.pfx(leaves[1], friendly_name="Site"),
        uploads.pfx(leaves[2], friendly_name="x" * 300),
        uploads.pfx(SITE, friendly_name="x" * 200),
    )

    names = [one.proposed_name for one in survey.candidates]
    assert names == ["site", "Site-2", "x" * 127, "x" * 125 + "-2"]


def test_a_whole_chain_is_surveyed_without_a_query_however_many_certificates() -> None:
    vault = make_vault()
    leaves = [authority.make_leaf(ISSUING, f"host{number}.example.org") for number in range(60)]
    found = uploads.upload(*(uploads.pfx(leaf, *CHAIN, name=f"{n}.pfx") for n, leaf in enumerate(leaves)))

    with CaptureQueriesContext(connection) as queries:
        survey = importing.survey(vault, found)

    assert len(queries) == 0
    assert [one.chain.complete for one in survey.candidates] == [True] * 60
