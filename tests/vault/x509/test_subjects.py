"""Distinguished names as text."""

import re

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import BadName
from vault.x509.subjects import format_subject, parse_subject
from vault.x509.visible import display, is_plain, shown

CN, O, OU, C = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COUNTRY_NAME  # noqa: E741

VALUES = st.text(min_size=1, max_size=20).filter(is_plain)
PAIRS = st.tuples(st.sampled_from(["CN", "O", "OU", "L", "S", "STREET", "T", "GN", "SN", "UID"]), VALUES)


def pairs(subject: str) -> list[tuple[x509.ObjectIdentifier, str | bytes]]:
    """What a subject holds, in the order of the DER."""
    return [(attribute.oid, attribute.value) for attribute in parse_subject(subject)]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("", []),
        ("   ", []),
        ("CN=www.example.org", [(CN, "www.example.org")]),
        ("CN=www.example.org, O=Example, C=DE", [(C, "DE"), (O, "Example"), (CN, "www.example.org")]),
        ("cn = www.example.org ,o= Example ", [(O, "Example"), (CN, "www.example.org")]),
        ('O="Example, Inc."', [(O, "Example, Inc.")]),
        ('O="The ""Best"" Inc."', [(O, 'The "Best" Inc.')]),
        ('O="a\\"b\\\\c"', [(O, 'a"b\\c')]),
        ("O=Example\\, Inc.", [(O, "Example, Inc.")]),
        ("O=a\\=b\\+c\\;d", [(O, "a=b+c;d")]),
        ("O=a=b", [(O, "a=b")]),
        ("O=M\\C3\\BCller", [(O, "Müller")]),
        ("O=Müller & Söhne", [(O, "Müller & Söhne")]),
        ("O=例え", [(O, "例え")]),
        ("O=\\ a\\ ", [(O, " a ")]),
        ('O=" a "', [(O, " a ")]),
        ("c=de", [(C, "DE")]),
        ("S=Bavaria", [(NameOID.STATE_OR_PROVINCE_NAME, "Bavaria")]),
        ("ST=Bavaria", [(NameOID.STATE_OR_PROVINCE_NAME, "Bavaria")]),
        ("E=a@example.org", [(NameOID.EMAIL_ADDRESS, "a@example.org")]),
        ("emailAddress=a@example.org", [(NameOID.EMAIL_ADDRESS, "a@example.org")]),
        ("SN=Doe, GN=Jo, T=Dr", [(NameOID.TITLE, "Dr"), (NameOID.GIVEN_NAME, "Jo"), (NameOID.SURNAME, "Doe")]),
        ("SERIALNUMBER=12-34, UID=jo", [(NameOID.USER_ID, "jo"), (NameOID.SERIAL_NUMBER, "12-34")]),
        ("DC=corp, DC=example", [(NameOID.DOMAIN_COMPONENT, "example"), (NameOID.DOMAIN_COMPONENT, "corp")]),
        ("STREET=Main 1, L=Bonn", [(NameOID.LOCALITY_NAME, "Bonn"), (NameOID.STREET_ADDRESS, "Main 1")]),
        ("OU=a, OU=b", [(OU, "b"), (OU, "a")]),
        (f"CN={'a' * 64}", [(CN, "a" * 64)]),
    ],
)
def test_a_subject_is_read_from_its_common_name_to_its_country(
    subject: str, expected: list[tuple[x509.ObjectIdentifier, str]]
) -> None:
    assert pairs(subject) == expected


def test_parts_joined_by_a_plus_are_one_multi_valued_rdn() -> None:
    name = parse_subject("CN=a+OU=b, O=c")

    assert [len(rdn) for rdn in name.rdns] == [1, 2]


@pytest.mark.parametrize(
    ("subject", "advice"),
    [
        ("www.example.org", "“www.example.org” in the subject has no KEY="),
        ("CN=a,", "Remove the extra comma"),
        (",CN=a", "Remove the extra comma"),
        ("CN=a,,O=b", "Remove the extra comma"),
        ("CN=a;O=b", "Separate parts with commas"),
        ("CN=", "CN= in the subject has no value"),
        ('CN=""', "CN= in the subject has no value"),
        ("=a", "in the subject has no KEY="),
        ("X=a", "“X” is not a key of a subject"),
        ("2.5.4.3=a", "“2.5.4.3” is an object identifier"),
        ("OID.2.5.4.3=a", "is an object identifier"),
        ("O=Example, Inc.", "“Inc.” in the subject has no KEY="),
        ("O=A+Sons", "“Sons” in the subject has no KEY="),
        ('O="Example', "Add the missing quote"),
        ('O="a" b', "“b” follows a closing quote"),
        ('O=a"b', "outside quotes"),
        ("O=a\\", "nothing to escape"),
        ("O=a\\x", "nothing to escape"),
        ("O=\\FF\\FE", "readable text"),
        ("O=a\\00b", "“aU+0000b”"),
        ("O=a\x00b", "U+0000"),
        ("O=a\nb", "U+000A"),
        ("O=a\u202eb", "U+202E"),
        ("O=a\u200bb", "U+200B"),
        ("O=a\u00a0b", "U+00A0"),
        ("C=DEU", "two letters"),
        ("C=D", "two letters"),
        ("C=Ä1", "two letters"),
        (f"CN={'a' * 65}", "holds 64 there"),
        (f"CN={'ü' * 33}", "holds 64 there"),
        (f"O={'a' * 65}", "holds 64 there"),
        (f"OU={'a' * 65}", "holds 64 there"),
        (f"L={'a' * 129}", "holds 128 there"),
        (f"S={'a' * 129}", "holds 128 there"),
        (f"DC={'a' * 64}", "holds 63 there"),
        ("E=jürgen@example.org", "without accents"),
        ("DC=münchen", "without accents"),
        ("SERIALNUMBER=a_b", "only"),
        ("OU=a+OU=a", "is not a subject"),
        (f"CN=a, O={'b' * 64}, OU={'c' * 64}, L={'d' * 70}", "200 is the most"),
        ("CN=" + "a" * 1_000_000, "200 is the most"),
        ('"' * 200, "no KEY="),
        ("\\" * 200, "no KEY="),
        ("+" * 200, "extra comma"),
    ],
)
def test_a_text_that_is_no_subject_is_refused_with_the_part_that_is_wrong(subject: str, advice: str) -> None:
    with pytest.raises(BadName, match=re.escape(advice)) as refusal:
        parse_subject(subject)

    assert refusal.value.field == "subject"
    assert is_plain(str(refusal.value))
    assert len(str(refusal.value)) < 300


@given(st.lists(PAIRS, min_size=1, max_size=5))
def test_a_name_survives_being_written_and_read(parts: list[tuple[str, str]]) -> None:
    keys = {"CN": CN, "O": O, "OU": OU, "L": NameOID.LOCALITY_NAME, "S": NameOID.STATE_OR_PROVINCE_NAME}
    keys |= {"STREET": NameOID.STREET_ADDRESS, "T": NameOID.TITLE, "GN": NameOID.GIVEN_NAME}
    keys |= {"SN": NameOID.SURNAME, "UID": NameOID.USER_ID}
    shortened = [(key, value.encode()[:64].decode(errors="ignore")) for key, value in parts]
    name = x509.Name([x509.NameAttribute(keys[key], value) for key, value in shortened])
    text = format_subject(name)
    if len(text) > 200:
        return

    again = parse_subject(text)

    assert again == name
    assert format_subject(again) == text


@given(st.text(max_size=200))
def test_reading_any_text_gives_a_name_or_a_refusal(text: str) -> None:
    try:
        name = parse_subject(text)
    except BadName:
        return

    assert parse_subject(format_subject(name)) == name


@given(st.text(alphabet="CNO=,+\";\\ #<>'é0aF", max_size=40))
def test_reading_what_looks_like_a_subject_gives_a_name_or_a_refusal(text: str) -> None:
    try:
        name = parse_subject(text)
    except BadName:
        return

    assert parse_subject(format_subject(name)) == name


def test_foreign_names_are_written_with_dotted_identifiers_and_quotes() -> None:
    odd = x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "#x")
    name = x509.Name([odd, x509.NameAttribute(O, "A; B")])

    assert format_subject(name) == 'O="A; B", 1.2.3.4="#x"'


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("plain text é 例", "plain text é 例"),
        ("a\nb", "aU+000Ab"),
        ("a\x00", "aU+0000"),
        ("\u202eabc", "U+202Eabc"),
        ("\u2066abc\u2069", "U+2066abcU+2069"),
        ("a\u200db", "aU+200Db"),
        ("a\xa0b", "aU+00A0b"),
        ("\ud800", "U+D800"),
        ("\U000e0041", "U+E0041"),
        ("\u3164", "U+3164"),
        ("a\ufe0f", "aU+FE0F"),
    ],
)
def test_characters_that_hide_or_steer_are_shown_as_code_points(text: str, visible: str) -> None:
    assert display(text) == visible
    assert is_plain(display(text))


@given(st.text())
def test_a_quoted_text_is_short_and_visible(text: str) -> None:
    assert len(shown(text)) <= 60
    assert is_plain(shown(text))
