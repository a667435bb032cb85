"""Backup and restore on the wire."""

import pytest

from portal.models import Role
from tests.factories import make_certificate, make_member, make_vault
from tests.portal.api.client import error_of
from vault.lifecycle import retiring
from vault.models.audit import SYSTEM


def test_a_backup_is_restored_after_purging_with_its_ids(api) -> None:
    vault = make_vault("payments")
    certificate = make_certificate(vault=vault, name="www")
    client = api(make_member(vault), vault)
    before = client.get("/certificates/www").json()
    secret = client.get("/secrets/www").json()

    value = client.post("/certificates/www/backup").json()["value"]
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    retiring.purge_certificate(certificate=certificate, by=SYSTEM)
    answer = client.post("/certificates/restore", {"value": value})

    assert answer.status_code == 200
    restored = answer.json()
    assert {key: restored[key] for key in ("id", "kid", "sid", "cer", "x5t")} == {
        key: before[key] for key in ("id", "kid", "sid", "cer", "x5t")
    }
    assert "pending" not in restored
    assert client.get("/secrets/www").json()["value"] == secret["value"]


def test_what_is_there_is_a_conflict(api) -> None:
    vault = make_vault("payments")
    certificate = make_certificate(vault=vault, name="www")
    client = api(make_member(vault), vault)
    value = client.post("/certificates/www/backup").json()["value"]

    there = client.post("/certificates/restore", {"value": value})
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    deleted = client.post("/certificates/restore", {"value": value})

    assert there.status_code == deleted.status_code == 409
    assert "conflict restoring the certificate" in error_of(there)["message"]
    assert error_of(deleted)["innererror"] == {"code": "ObjectIsDeletedButRecoverable"}


@pytest.mark.parametrize("value", ["", "AAAA", "not base64url!", "ä", None, 5])
def test_nonsense_is_refused(api, value: object) -> None:
    vault = make_vault("payments")

    answer = api(make_member(vault), vault).post("/certificates/restore", {"value": value})

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "BadParameter"


@pytest.mark.parametrize("role", [Role.READER, Role.REQUESTER, Role.AUDITOR])
def test_who_may_not(api, role: Role) -> None:
    vault = make_vault("payments")
    make_certificate(vault=vault, name="www")
    client = api(make_member(vault, role), vault)

    assert client.post("/certificates/www/backup").status_code in {403, 404}
    assert client.post("/certificates/restore", {"value": "AAAA"}).status_code == 403


def test_other_methods(api) -> None:
    vault = make_vault("payments")
    client = api(make_member(vault), vault)

    assert client.get("/certificates/www/backup").status_code == 405
    assert client.get("/certificates/restore").status_code == 405
