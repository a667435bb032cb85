"""Importing by the pages: bring, look, confirm. What the reader understands is tried elsewhere."""

import base64
import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_policy, make_user, make_vault
from tests.pki.authority import Authority, Leaf, ec_key, key_pem, make_csr, make_intermediate, make_root, sign_csr
from tests.portal.browsing import answers_on, changed
from vault.errors import PolicyViolation
from vault.lifecycle import issuing, retiring
from vault.models import AuditEvent, Certificate, Draft, Vault, Version
from vault.models.audit import SYSTEM
from vault.models.policy import SELF, UNKNOWN, LifetimeActionType
from vault.x509 import pfx

ClientOf = Callable[[User], Client]
NEW = "/vaults/payments/import/"
SIGNED_IN = 2  # queries: the session and the person


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(vault: Vault) -> User:
    return make_member(vault)


@pytest.fixture
def browser(officer: User, client_of: ClientOf) -> Client:
    return client_of(officer)


@pytest.fixture
def root() -> Authority:
    return make_root()


def pem_of(leaf: Leaf, *cas: Authority) -> str:
    return key_pem(leaf.key) + leaf.pem + "".join(ca.pem for ca in cas)


def pfx_of(leaf: Leaf, password: str | None) -> bytes:
    return pfx.build_pfx(key=leaf.key, leaf=leaf.der, chain=(), password=password, friendly_name="")


def make_leaf(ca: Authority, *dns: str, **facts: object) -> Leaf:
    """A certificate with a key of its own, its common name the first of its names."""
    key = ec_key()
    csr = make_csr(*dns, subject=f"CN={dns[0]}", key=key)
    return Leaf(der=sign_csr(ca, csr, **facts), key=key, csr=csr)


def expired(root: Authority, *dns: str) -> Leaf:
    return make_leaf(root, *dns, not_before=datetime.now(UTC) - timedelta(days=100), days=90)


def bring(
    browser: Client, text: str = "", *, query: str = "", password: str = "", **files: str | bytes
) -> HttpResponse:
    """Send a paste, or files whose names are the keywords, with the last underscore for a dot."""
    sent = [
        SimpleUploadedFile(".".join(name.rsplit("_", 1)), octets.encode() if isinstance(octets, str) else octets)
        for name, octets in files.items()
    ]
    return browser.post(NEW + query, {"text": text, "password": password, "file": sent})


def preview_of(browser: Client, *text: str, **facts: str | bytes) -> str:
    """The address of the preview to which bringing leads."""
    answer = bring(browser, *text, **facts)
    assert answer.status_code == 303, words_of(answer)
    return answer["Location"]


def confirm(browser: Client, address: str, **changes: object) -> HttpResponse:
    return browser.post(address, changed(answers_on(browser.get(address)), **changes))


def words_of(page: HttpResponse) -> str:
    text = page.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


# ------------------------------------------------------------------ who may
@pytest.mark.parametrize("role", [Role.REQUESTER, Role.OFFICER, Role.ADMINISTRATOR])
def test_who_may_import_brings_a_file_looks_and_confirms(
    vault: Vault, client_of: ClientOf, root: Authority, role: Role
) -> None:
    person = make_member(vault, role)
    browser = client_of(person)
    leaf = make_leaf(root, "www.example.org")

    address = preview_of(browser, site_pem=pem_of(leaf, root))
    assert not Certificate.objects.exists()
    answer = confirm(browser, address)

    certificate = Certificate.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, "/vaults/payments/certificates/www-example-org/")
    assert (certificate.name, certificate.owner, certificate.issuer_name) == ("www-example-org", person, UNKNOWN)
    assert bytes(certificate.current.der) == leaf.der
    assert "Imported as version 1 of “www-example-org”" in words_of(browser.get(answer["Location"]))


def test_who_may_only_look_is_told_who_can_help(vault: Vault, client_of: ClientOf) -> None:
    make_member(vault, Role.ADMINISTRATOR, make_user("grace"))

    answer = client_of(make_member(vault, Role.READER)).get(NEW)

    assert answer.status_code == 403
    assert "cannot import certificates into it. Ask grace" in words_of(answer)


def test_a_draft_is_seen_by_nobody_but_who_made_it(
    vault: Vault, browser: Client, client_of: ClientOf, root: Authority
) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    other = client_of(make_member(vault, Role.ADMINISTRATOR))

    seen = [other.get(address), other.post(address), other.post(f"{address}field/"), other.get(f"{address}results.csv")]

    assert [one.status_code for one in seen] == [404] * 4
    assert not Certificate.objects.exists()


def test_a_draft_opens_in_its_own_vault_alone(browser: Client, officer: User, root: Authority) -> None:
    make_member(make_vault("elsewhere"), Role.OFFICER, officer)
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    answer = browser.get(address.replace("payments", "elsewhere"))

    assert answer.status_code == 404


def test_a_requester_cannot_import_into_what_others_own(vault: Vault, client_of: ClientOf, root: Authority) -> None:
    make_certificate(vault=vault, name="www-example-org")
    browser = client_of(make_member(vault, Role.REQUESTER))
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    answer = confirm(browser, address)

    assert answer.status_code == 422
    assert "The name “www-example-org” is taken in “payments”. Choose another." in words_of(answer)
    assert browser.get(f"{NEW}?certificate=www-example-org").status_code == 404
    assert browser.get(f"{address}?certificate=www-example-org").status_code == 404
    assert Version.objects.count() == 1


# ------------------------------------------------------------ what is refused
def test_nothing_at_all_is_asked_for_again(browser: Client) -> None:
    answer = bring(browser)

    assert answer.status_code == 422
    assert "There is nothing to import yet." in words_of(answer)


def test_what_is_no_certificate_is_named_and_the_paste_stays(browser: Client) -> None:
    answer = bring(browser, "<html>no certificate</html>")

    assert answer.status_code == 422
    assert "Nothing was imported" in words_of(answer)
    assert answer.context_data["form"]["text"].value() == "<html>no certificate</html>"
    assert not Draft.objects.exists()


def test_a_certificate_without_its_key_says_what_is_missing(browser: Client, root: Authority) -> None:
    leaf = make_leaf(root, "www.example.org")

    answer = bring(browser, leaf.pem)

    assert answer.status_code == 422
    assert "private key of “www.example.org” is not among these files" in words_of(answer)
    assert answer.context_data["form"]["text"].value().strip() == leaf.pem.strip()


def test_a_pasted_key_never_comes_back_in_the_page(browser: Client) -> None:
    text = key_pem(ec_key())

    answer = bring(browser, text, password="correct horse")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The certificate of this private key" in words_of(answer)
    assert text.splitlines()[1] not in page
    assert "correct horse" not in page


@pytest.mark.parametrize("form", ["base64", "hexadecimal", "decimal", "cut off"])
@pytest.mark.parametrize(
    ("address", "field"),
    [(NEW, "text"), ("/answer/", "certificate"), ("/vaults/payments/request/csr/check/", "csr")],
    ids=["import", "answer", "request"],
)
def test_a_pasted_key_in_another_dress_or_a_part_of_one_never_comes_back(
    browser: Client, address: str, field: str, form: str
) -> None:
    armoured = key_pem(ec_key())
    lines = armoured.splitlines()[1:-1]
    octets = base64.b64decode("".join(lines))
    text = {
        "base64": "".join(lines),
        "hexadecimal": octets.hex(),
        "decimal": ", ".join(map(str, octets)),
        "cut off": "\n".join([lines[0][5:], *lines[1:]]),
    }[form]

    page = browser.post(address, {field: text})

    assert page.status_code == 422
    assert text[:44] not in page.content.decode()
    assert text[-44:] not in page.content.decode()


def test_a_locked_file_is_kept_and_only_its_password_is_asked_for(browser: Client, root: Authority) -> None:
    file = pfx_of(make_leaf(root, "www.example.org"), "right-password")

    first = bring(browser, site_pfx=file)
    held = answers_on(first)
    wrong = browser.post(NEW, changed(held, password="wrong-password"))
    drafts = Draft.objects.count()
    right = browser.post(NEW, changed(answers_on(wrong), password="right-password"))

    assert (first.status_code, wrong.status_code, right.status_code) == (422, 422, 303)
    assert "“site.pfx” is protected by a password." in words_of(first)
    assert "The password does not open “site.pfx”. Type it again." in words_of(wrong)
    assert "wrong-password" not in wrong.content.decode()
    assert drafts == Draft.objects.count() == 1
    assert "www.example.org" in words_of(browser.get(right["Location"]))


def test_held_files_are_opened_by_nobody_else(
    vault: Vault, browser: Client, client_of: ClientOf, root: Authority
) -> None:
    held = answers_on(bring(browser, site_pfx=pfx_of(make_leaf(root, "www.example.org"), "right-password")))

    answer = client_of(make_member(vault)).post(NEW, changed(held, password="right-password"))

    assert answer.status_code == 422
    assert Draft.objects.count() == 1


def test_other_files_can_be_chosen_while_some_wait_for_their_password(browser: Client, root: Authority) -> None:
    held = answers_on(bring(browser, site_pfx=pfx_of(make_leaf(root, "www.example.org"), "right-password")))

    answer = browser.post(NEW, changed(held, text=pem_of(make_leaf(root, "other.example.org"))))

    assert answer.status_code == 303
    assert "other.example.org" in words_of(browser.get(answer["Location"]))


def test_files_that_waited_too_long_are_asked_for_again(browser: Client, root: Authority) -> None:
    held = answers_on(bring(browser, site_pfx=pfx_of(make_leaf(root, "www.example.org"), "right-password")))
    Draft.objects.update(expires_at=timezone.now())

    answer = browser.post(NEW, changed(held, password="right-password"))

    assert answer.status_code == 422
    assert "The files are not kept any more. Choose them again." in words_of(answer)


def test_a_held_draft_is_no_preview(browser: Client, root: Authority) -> None:
    bring(browser, site_pfx=pfx_of(make_leaf(root, "www.example.org"), "right-password"))

    answer = browser.get(f"{NEW}{Draft.objects.get().id.hex}/")

    assert answer.status_code == 404
    assert "This preview has ended" in words_of(answer)


def test_a_password_that_cannot_be_one_is_refused_beside_its_field(browser: Client, root: Authority) -> None:
    answer = bring(browser, site_pfx=pfx_of(make_leaf(root, "www.example.org"), "x"), password="bell\x07")

    assert answer.status_code == 422
    assert answer.context_data["form"].errors["password"]


def test_of_several_useless_files_each_is_named(browser: Client, root: Authority) -> None:
    answer = bring(browser, a_crt=make_leaf(root, "a.example.org").pem, b_txt="hello")

    words = words_of(answer)
    assert answer.status_code == 422
    assert "a.crt" in words
    assert "b.txt" in words
    assert "What is in the files" in words
    assert "Nothing in these files can be imported as it is." in words


def test_more_than_a_hundred_at_once_are_too_many(browser: Client, root: Authority) -> None:
    files = {f"n{number}_pem": pem_of(make_leaf(root, f"n{number}.example.org")) for number in range(101)}
    last = files.pop("n100_pem")

    answer = bring(browser, last, all_zip=zip_of(**files))
    address = preview_of(browser, all_zip=zip_of(**files))
    imported = confirm(browser, address)

    assert answer.status_code == 422
    assert "101 certificates with their keys; 100 is the most at once. Send them in parts." in words_of(answer)
    assert imported.status_code == 303
    assert Certificate.objects.count() == 100


def test_several_certificates_are_no_new_version_of_one(vault: Vault, browser: Client, root: Authority) -> None:
    make_certificate(vault=vault, name="www")
    leaves = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}

    answer = bring(browser, query="?certificate=www", **leaves)

    assert answer.status_code == 422
    assert "2 certificates with their keys, and a new version is one" in words_of(answer)


# ---------------------------------------------------------------- the preview
def test_the_preview_says_everything_about_it(browser: Client, root: Authority) -> None:
    issuing = make_intermediate(root)
    other = make_root("Some Other CA")
    leaf = make_leaf(issuing, "www.example.org", "example.org", days=60)

    page = browser.get(preview_of(browser, site_key=key_pem(leaf.key), site_crt=issuing.pem + other.pem + leaf.pem))

    words = words_of(page)
    assert "www.example.org example.org" in words
    assert re.search("(59|60) days left", words)
    assert "EC P-256, found, and it is this certificate's" in words
    assert "site.crt site.key" in words
    assert "Example Issuing CA From your files" in words
    assert "The root is not among it" in words
    assert "Some Other CA" in words
    assert "Only a notice will be sent: it does not renew by itself. People are told at 80 % of its lifetime." in words
    assert "Another CA, by hand; valid for 60 days; EC P-256 key; kept as PFX." in words
    assert "from the certificate" in words
    assert f"This preview ends at {Draft.objects.get().expires_at:%H:%M} UTC" in words


def test_the_files_that_are_not_used_are_named_beside_it(browser: Client, root: Authority) -> None:
    bundle = zip_of(good_pem=pem_of(make_leaf(root, "www.example.org")), notes_txt="hello", other_crt=root.pem)

    page = browser.get(preview_of(browser, all_zip=bundle))

    words = words_of(page)
    assert "Left aside all.zip/notes.txt This looks like text" in words
    assert "other.crt" not in words


def test_a_policy_that_fits_no_field_of_the_form_is_said_on_top(
    browser: Client, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    answers = answers_on(browser.get(address))

    def refuse(*_: object) -> None:
        raise PolicyViolation("This contradicts itself.")

    monkeypatch.setattr(issuing, "prepare", refuse)
    answer = browser.post(address, answers)

    assert answer.status_code == 422
    assert "This contradicts itself." in words_of(answer)


def test_neither_keys_nor_files_are_in_the_page(browser: Client, root: Authority) -> None:
    leaf = make_leaf(root, "www.example.org")

    page = browser.get(preview_of(browser, pem_of(leaf))).content.decode()

    assert "BEGIN" not in page.partition("<main")[2]
    for line in (key_pem(leaf.key) + leaf.pem).splitlines()[1:3]:
        assert line not in page


def test_ca_certificates_that_the_vault_knows_fill_the_chain(browser: Client, root: Authority) -> None:
    issuing = make_intermediate(root)
    confirm(browser, preview_of(browser, pem_of(make_leaf(issuing, "a.example.org"), issuing, root)))

    page = browser.get(preview_of(browser, pem_of(make_leaf(issuing, "b.example.org"))))

    words = words_of(page)
    assert words.count("Added by the vault, which knows it") == 2
    assert "Complete, in order, up to the root." in words


def test_the_same_certificate_elsewhere_is_linked_only_for_who_may_see_it(
    vault: Vault, browser: Client, officer: User, client_of: ClientOf, root: Authority
) -> None:
    elsewhere = make_vault("elsewhere")
    make_member(elsewhere, Role.OFFICER, officer)
    text = pem_of(make_leaf(root, "www.example.org"))
    there = bring_to(browser, elsewhere, text)

    mine = browser.get(preview_of(browser, text))
    others = client_of(make_member(vault))
    hidden = others.get(preview_of(others, text))

    version = Version.objects.get(certificate=there)
    link = f"/vaults/elsewhere/certificates/www-example-org/versions/{version.id.hex}/"
    assert "This very certificate is version 1 of www-example-org in elsewhere" in words_of(mine)
    assert link in mine.content.decode()
    assert "elsewhere" not in hidden.content.decode()


def bring_to(browser: Client, vault: Vault, text: str) -> Certificate:
    address = browser.post(f"/vaults/{vault}/import/", {"text": text})["Location"]
    confirm(browser, address)
    return Certificate.objects.get(vault=vault)


def test_hostile_words_of_a_file_stay_words(browser: Client, root: Authority) -> None:
    leaf = make_leaf(root, "www.example.org")

    bad = SimpleUploadedFile("<script>alert(1)</script>\u202e.pem", pem_of(leaf).encode())
    address = browser.post(NEW, {"file": [bad]})["Location"]
    page = browser.get(address).content.decode()

    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_a_preview_asks_the_database_few_questions(browser: Client, vault: Vault, root: Authority) -> None:
    issuing = make_intermediate(root)
    make_certificate(vault=vault, name="www-example-org")
    address = preview_of(browser, pem_of(make_leaf(issuing, "www.example.org"), issuing, root))

    with CaptureQueriesContext(connection) as asked:
        browser.get(address)

    assert len(asked) == SIGNED_IN + 6


# ------------------------------------------------------------- the end of it
def test_a_preview_whose_time_is_over_says_so_and_leads_back(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    answers = answers_on(browser.get(address))
    Draft.objects.update(expires_at=timezone.now())

    seen = [browser.get(address), browser.post(address, answers)]

    assert [one.status_code for one in seen] == [404, 404]
    assert "This preview has ended" in words_of(seen[0])
    assert f'href="{NEW}"' in seen[1].content.decode()
    assert not Certificate.objects.exists()


def test_confirming_twice_imports_once_and_ends_on_the_certificate(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    answers = answers_on(browser.get(address))

    seen = [browser.post(address, answers) for _ in range(2)]

    assert [one.status_code for one in seen] == [303, 303]
    assert seen[0]["Location"] == seen[1]["Location"]
    assert Version.objects.count() == 1
    assert browser.get(address)["Location"] == seen[0]["Location"]


# ---------------------------------------------------------- names and policies
def test_name_tags_and_policy_can_be_changed_before_confirming(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    confirm(browser, address, name="shop", tags="team=payments", reuse="on")

    certificate = Certificate.objects.get()
    assert (certificate.name, certificate.tags) == ("shop", {"team": "payments"})
    assert certificate.policy.key.reuse


def test_it_never_renews_self_signed_before_a_person_has_read_so(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    first = confirm(browser, address, issuer=SELF)
    imported_by_first = Certificate.objects.exists()
    second = browser.post(address, answers_on(first))

    assert first.status_code == 422
    assert "It would be replaced by a self-signed certificate" in words_of(first)
    assert not imported_by_first
    assert second.status_code == 303
    assert Certificate.objects.get().issuer_name == SELF


def test_what_follows_is_said_again_while_the_policy_changes(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    answers = changed(answers_on(browser.get(address)), issuer=SELF, part="follows")

    answer = browser.post(f"{address}field/", answers, headers={"HX-Request": "true", "HX-Target": "follows"})

    assert answer.status_code == 200
    assert 'name="consequence" value="renews-self-signed"' in answer.content.decode()
    assert "<main" not in answer.content.decode()


def test_a_name_is_judged_while_it_is_typed(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))
    headers = {"HX-Request": "true", "HX-Target": "id_name_slot"}

    bad = browser.post(f"{address}field/", {"name": "not a name"}, headers=headers)
    good = browser.post(f"{address}field/", {"name": "fine"}, headers=headers)

    assert "“not a name” cannot be" in bad.content.decode()
    assert not good.content


def test_a_policy_that_cannot_stand_comes_back_whole(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    answer = confirm(browser, address, names="not a name at all!", name="kept")

    assert answer.status_code == 422
    assert answer.context_data["form"]["name"].value() == "kept"
    assert answer.context_data["form"].errors["names"]
    assert not Certificate.objects.exists()


def test_a_name_that_exists_leads_to_the_preview_of_its_next_version(
    vault: Vault, browser: Client, root: Authority
) -> None:
    make_certificate(vault=vault, name="www-example-org", names=make_policy().names)
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org", "example.org")))

    hint = browser.get(address)
    answer = confirm(browser, address)
    page = browser.get(answer["Location"])

    assert "“www-example-org” exists. Choose another name, or" in words_of(hint)
    assert (answer.status_code, answer["Location"]) == (303, f"{address}?certificate=www-example-org")
    words = words_of(page)
    assert "It becomes the next version of www-example-org" in words
    assert "The file differs from the policy" in words
    assert "from the policy of www-example-org" in words
    assert "It would be replaced by a self-signed certificate" in words
    assert Version.objects.count() == 1


def test_a_new_version_takes_the_place_of_the_old_one(vault: Vault, browser: Client, root: Authority) -> None:
    certificate = make_certificate(vault=vault, name="www")
    leaf = make_leaf(root, "www.example.org")
    address = preview_of(browser, pem_of(leaf), query="?certificate=www")

    answer = confirm(browser, address, issuer=UNKNOWN, consequence="notice-only", renewal="usual")

    certificate.refresh_from_db()
    assert answer.status_code == 303, words_of(answer)
    assert certificate.current.number == 2
    assert bytes(certificate.current.der) == leaf.der
    assert [rule.action for rule in certificate.policy.lifetime_actions] == [LifetimeActionType.EMAIL_CONTACTS]


def test_a_request_in_progress_stands_in_the_way(vault: Vault, browser: Client, root: Authority) -> None:
    make_operation(vault=vault, name="www")
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")), query="?certificate=www")

    answer = confirm(browser, address)

    assert answer.status_code == 409
    assert "A request for “www” is in progress" in words_of(answer)
    assert not Version.objects.exists()


def test_a_name_held_by_a_deleted_certificate_is_refused(vault: Vault, browser: Client, root: Authority) -> None:
    gone = make_certificate(vault=vault, name="gone")
    retiring.delete_certificate(certificate=gone, by=SYSTEM)
    address = preview_of(browser, pem_of(make_leaf(root, "www.example.org")))

    answer = confirm(browser, address, name="gone")

    assert answer.status_code == 422
    assert "A deleted certificate holds the name “gone”" in words_of(answer)


# -------------------------------------------------------------------- expired
def test_an_expired_certificate_is_refused_unless_it_is_for_the_archive(browser: Client, root: Authority) -> None:
    address = preview_of(browser, pem_of(expired(root, "www.example.org")))

    page = browser.get(address)
    refused = confirm(browser, address)
    taken = confirm(browser, address, archive="on")

    assert "It has expired" in words_of(page)
    assert "Expired 10 days ago" in words_of(page)
    assert refused.status_code == 422
    assert "Tick “Archive only”" in words_of(refused)
    assert taken.status_code == 303
    assert not Version.objects.get().enabled


def test_several_expired_ones_are_imported_one_by_one(browser: Client, root: Authority) -> None:
    answer = bring(browser, **{f"{name}_pem": pem_of(expired(root, f"{name}.example.org")) for name in "ab"})

    assert answer.status_code == 422
    assert "To keep one for the record, import it alone." in words_of(answer)


# ----------------------------------------------------------------------- bulk
def zip_of(**files: str | bytes) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        for name, content in files.items():
            archive.writestr(".".join(name.rsplit("_", 1)), content)
    return octets.getvalue()


def test_of_many_files_the_good_ones_are_imported_and_the_others_listed(
    vault: Vault, browser: Client, root: Authority
) -> None:
    make_certificate(vault=vault, name="taken")
    bundle = zip_of(
        a_pem=pem_of(make_leaf(root, "a.example.org")),
        b_pem=pem_of(make_leaf(root, "b.example.org")),
        old_pem=pem_of(expired(root, "old.example.org")),
        notes_txt="hello",
    )
    address = preview_of(browser, all_zip=bundle)

    page = browser.get(address)
    refused = confirm(browser, address, **{"name-1": "taken"})
    answer = confirm(browser, address, **{"name-1": "renamed"})
    results = browser.get(answer["Location"])
    table = browser.get(f"{address}results.csv")

    assert "all.zip/a.pem" in words_of(page)
    assert refused.status_code == 422
    assert "“taken” exists" in words_of(refused)
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert "2 certificates imported" in words_of(results)
    assert "/vaults/payments/certificates/renamed/" in results.content.decode()
    rows = list(csv.reader(io.StringIO(table.content.decode())))
    assert rows[0] == ["file", "name", "code", "reason"]
    assert sorted(row[0] for row in rows[1:]) == ["all.zip/notes.txt", "all.zip/old.pem"]
    assert set(Certificate.objects.values_list("name", flat=True)) == {"taken", "a-example-org", "renamed"}


def test_what_is_not_ticked_is_left_out(browser: Client, root: Authority) -> None:
    files = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}
    address = preview_of(browser, **files)

    confirm(browser, address, **{"take-0": None})

    assert Certificate.objects.get().name == "b-example-org"
    assert "It was not chosen" in browser.get(f"{address}results.csv").text or "not chosen" in browser.get(address).text


def test_nothing_ticked_or_a_name_twice_is_refused(browser: Client, root: Authority) -> None:
    files = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}
    address = preview_of(browser, **files)

    nothing = confirm(browser, address, **{"take-0": None, "take-1": None})
    twice = confirm(browser, address, **{"name-0": "same", "name-1": "Same"})

    assert (nothing.status_code, twice.status_code) == (422, 422)
    assert "Nothing is chosen" in words_of(nothing)
    assert "stands here twice" in words_of(twice)
    assert not Certificate.objects.exists()


def test_many_may_become_new_versions_when_a_person_says_so(vault: Vault, browser: Client, root: Authority) -> None:
    for name in "ab":
        confirm(browser, preview_of(browser, pem_of(make_leaf(root, f"{name}.example.org"))))
    files = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}
    address = preview_of(browser, **files)

    confirm(browser, address, new_versions="on")

    assert sorted(Version.objects.values_list("certificate__name", "number")) == [
        ("a-example-org", 1),
        ("a-example-org", 2),
        ("b-example-org", 1),
        ("b-example-org", 2),
    ]


def test_confirming_many_twice_imports_each_once(browser: Client, root: Authority) -> None:
    files = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}
    address = preview_of(browser, **files)
    answers = answers_on(browser.get(address))

    seen = [browser.post(address, answers) for _ in range(2)]

    assert [(one.status_code, one["Location"]) for one in seen] == [(303, address)] * 2
    assert Version.objects.count() == 2
    assert AuditEvent.objects.filter(action="certificates/import").count() == 2


def test_many_go_on_where_a_run_was_cut_short(browser: Client, root: Authority) -> None:
    leaves = {name: make_leaf(root, f"{name}.example.org") for name in "ab"}
    address = preview_of(browser, **{f"{name}_pem": pem_of(leaf) for name, leaf in leaves.items()})
    confirm(browser, preview_of(browser, pem_of(leaves["a"])))

    answer = confirm(browser, address)

    assert answer.status_code == 303
    assert "version 1 of “a-example-org” already" in words_of(browser.get(address))
    assert sorted(Version.objects.values_list("certificate__name", "number")) == [
        ("a-example-org", 1),
        ("b-example-org", 1),
    ]


def test_the_list_holds_no_formula(browser: Client, root: Authority) -> None:
    bad = SimpleUploadedFile("=cmd.txt;=1+1", b"hello")
    good = [SimpleUploadedFile(f"{n}.pem", pem_of(make_leaf(root, f"{n}.example.org")).encode()) for n in "ab"]
    address = browser.post(NEW, {"file": [bad, *good]})["Location"]
    confirm(browser, address)

    table = browser.get(f"{address}results.csv")

    assert table["Content-Type"].startswith("text/csv")
    assert '"\'=cmd.txt;=1+1",' in table.text


def test_many_ask_the_database_no_more_than_few(browser: Client, root: Authority) -> None:
    def asked_for(count: int) -> int:
        files = {f"n{number}_pem": pem_of(make_leaf(root, f"n{number}.example.org")) for number in range(count)}
        address = preview_of(browser, **files)
        with CaptureQueriesContext(connection) as asked:
            browser.get(address)
        return len(asked)

    two, six = asked_for(2), asked_for(6)

    assert six - two <= 4  # one a certificate: the CA certificates that its chain may want
    assert two <= SIGNED_IN + 7


def test_results_ask_the_database_few_questions(browser: Client, root: Authority) -> None:
    files = {f"{name}_pem": pem_of(make_leaf(root, f"{name}.example.org")) for name in "ab"}
    address = preview_of(browser, **files)
    confirm(browser, address)

    with CaptureQueriesContext(connection) as asked:
        page = browser.get(address)

    assert "2 certificates imported" in words_of(page)
    assert len(asked) <= SIGNED_IN + 3


# ---------------------------------------------------------------------- links
def test_the_ways_to_import_are_where_certificates_are(vault: Vault, browser: Client, client_of: ClientOf) -> None:
    empty = browser.get("/vaults/payments/").content.decode()
    make_certificate(vault=vault, name="www")

    full, page = browser.get("/vaults/payments/"), browser.get("/vaults/payments/certificates/www/")
    reader = client_of(make_member(vault, Role.READER)).get("/vaults/payments/")

    assert "Import one that exists" in empty
    assert f'href="{NEW}"' in full.content.decode()
    assert f'href="{NEW}?certificate=www"' in page.content.decode()
    assert NEW not in reader.content.decode()
