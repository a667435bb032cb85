import io
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal import tokens
from portal.models import Membership, Token, User
from tests.factories import make_member, make_user, make_vault
from vault.models import Vault


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_vault_is_made() -> None:
    assert "“payments” made" in run("create_vault", "payments", "--retention-days", "30", "--purge-protection")

    vault = Vault.objects.get()
    assert (vault.name, vault.retention_days, vault.purge_protection) == ("payments", 30, True)


def test_a_taken_vault_name_is_told() -> None:
    make_vault("payments")

    with pytest.raises(CommandError, match="already"):
        run("create_vault", "Payments")


def test_a_person_gets_a_password_that_must_be_changed() -> None:
    out = run("create_user", "ada", "--admin")

    ada = User.objects.get()
    assert ada.must_change_password
    assert ada.is_staff
    assert ada.check_password(out.rsplit(maxsplit=1)[-1])


def test_a_password_from_standard_input_is_the_persons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))

    out = run("create_user", "ada", "--password-stdin")

    ada = User.objects.get()
    assert ada.check_password("correct horse battery")
    assert not ada.must_change_password
    assert "correct" not in out


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "short"), ("ada", "password1234"), ("a da", "correct horse battery")]
)
def test_what_cannot_be_a_person_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))

    with pytest.raises(CommandError):
        run("create_user", name, "--password-stdin")

    assert not User.objects.exists()


def test_a_taken_user_name_is_told() -> None:
    make_user("ada")

    with pytest.raises(CommandError, match="already"):
        run("create_user", "ada")


def test_a_member_is_added_and_given_another_role() -> None:
    make_vault("payments")
    make_user("ada")

    run("add_member", "payments", "ada", "administrator")
    run("add_member", "payments", "ada", "administrator")

    assert Membership.objects.get().role == "administrator"


def test_the_last_administrator_stays() -> None:
    make_vault("payments")
    make_user("ada")
    run("add_member", "payments", "ada", "administrator")

    with pytest.raises(CommandError, match="last administrator"):
        run("add_member", "payments", "ada", "reader")


@pytest.mark.parametrize("words", [("nowhere", "ada"), ("payments", "nobody")])
def test_who_or_what_is_not_there_is_named(words: tuple[str, str]) -> None:
    make_vault("payments")
    make_user("ada")

    with pytest.raises(CommandError, match="create_"):
        run("add_member", *words, "reader")


def test_a_token_is_printed_and_nothing_else() -> None:
    vault = make_vault("payments")
    make_member(vault, user=make_user("ada"))

    out = run("create_token", "ada", "--vault", "Payments", "--verbs", "certificates/get, secrets/get", "--days", "7")

    token = tokens.find(out.removesuffix("\n"), vault="payments")
    assert token is not None
    assert token.fits
    assert token.scope == {"certificates/get", "secrets/get"}
    assert (token.expires_at - token.created_at).days in {6, 7}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nobody", "--vault", "payments"), "nobody named “nobody”"),
        (("ada", "--vault", "nowhere"), "no vault “nowhere”"),
        (("ada", "--vault", "foreign"), "no member of “foreign”"),
        (("ada", "--vault", "payments", "--verbs", "rule"), "“rule” is nothing"),
        (("ada", "--vault", "payments", "--verbs", ","), "Say what"),
        (("ada", "--vault", "payments", "--days", "1000"), "Choose 1 to 365"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_a_sentence(words: tuple[str, ...], message: str) -> None:
    make_member(make_vault("payments"), user=make_user("ada"))
    make_vault("foreign")

    with pytest.raises(CommandError, match=message):
        run("create_token", *words)

    assert not Token.objects.exists()
