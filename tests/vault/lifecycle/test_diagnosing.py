import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import actor_of, make_certificate, make_operation, make_user, make_vault
from tests.pki import authority
from vault.lifecycle import diagnosing, retiring, withdrawing
from vault.models import Certificate, Operation, Vault, Version
from vault.models.audit import SYSTEM

ROOT = authority.make_root()


def answer(operation: Operation) -> bytes:
    return authority.sign_csr(ROOT, bytes(operation.csr))


def found(*given: bytes) -> list[str]:
    return [operation.certificate.name for operation in diagnosing.requests_for(given, among=Vault.objects.all())]


def there(*given: bytes) -> list[Version]:
    return diagnosing.versions_of(given, among=Vault.objects.all())


def test_a_request_is_found_by_its_key_in_any_vault_whatever_stands_beside_it() -> None:
    operation, other = make_operation(name="shop"), make_operation(name="mail")

    assert found(ROOT.der, answer(operation)) == ["shop"]
    assert found(answer(other), answer(operation)) == ["mail", "shop"]
    assert found(authority.make_leaf(ROOT).der) == []


def test_ended_requests_are_found_and_completed_deleted_and_hidden_ones_are_not() -> None:
    cancelled, deleted, hidden = make_operation(name="cancelled"), make_operation(), make_operation()
    completed = Operation.objects.get(certificate=make_certificate())
    withdrawing.cancel(operation=cancelled, by=SYSTEM)
    withdrawing.delete_operation(operation=deleted, by=SYSTEM)
    retiring.delete_certificate(certificate=hidden.certificate, by=SYSTEM)

    given = [answer(operation) for operation in (cancelled, deleted, hidden, completed)]

    assert found(*given) == ["cancelled"]


def test_a_version_is_found_by_the_whole_certificate_not_by_its_key() -> None:
    certificate = make_certificate()
    operation = Operation.objects.get(certificate=certificate)

    assert there(bytes(certificate.current.der)) == [certificate.current]
    assert there(answer(operation)) == []


def test_a_version_of_a_deleted_certificate_is_not_found() -> None:
    certificate = make_certificate()
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    assert there(bytes(certificate.current.der)) == []


def test_who_stored_a_version_comes_from_the_trail() -> None:
    version = make_certificate().current

    stored = diagnosing.who_stored(version)

    assert (stored.by, stored.by_id, stored.at) == ("Chancery", None, version.created_at)


def test_where_the_trail_is_silent_only_the_time_is_told() -> None:
    version = make_certificate().current
    version.certificate.name = "another-name"

    assert re.fullmatch(r"on \d+ \w+ \d{4}, \d\d:\d\d UTC", str(diagnosing.who_stored(version)))


def test_why_closed_tells_who_cancelled_and_when() -> None:
    operation = make_operation()
    withdrawing.cancel(operation=operation, by=actor_of(make_user("olivia")))

    assert re.search(
        r"already ended: it was cancelled by olivia on \d+ \w+ \d{4}", str(diagnosing.why_closed(operation))
    )


def test_looking_for_requests_and_versions_is_one_query_each(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    vault = make_vault()
    operations = [make_operation(vault=vault) for _ in range(3)]
    given = [answer(operation) for operation in operations]

    with django_assert_num_queries(2):
        requests = diagnosing.requests_for(given, among=[vault])
        versions = diagnosing.versions_of(given, among=[vault])
        seen = [(one.vault.name, one.certificate.vault.name, one.certificate.owner, one.key) for one in requests]

    assert (len(seen), versions) == (3, [])


def explained(act: object) -> str:
    """How the database goes about the one query of `act`, knowing how much there is in its tables."""
    with CaptureQueriesContext(connection) as queries:
        act()
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE vault_certificate, vault_operation, vault_version")
        words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{words} {query['sql']}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def among_many() -> Operation:
    """A request among a thousand others, and as many versions."""
    operation = make_operation()
    vault, policy = operation.vault, operation.policy
    facts = {"vault": vault, "policy": policy, "issuer_name": "Unknown"}
    made = Certificate.objects.bulk_create(Certificate(name=f"c{number}", **facts) for number in range(1000))
    Operation.objects.bulk_create(
        Operation(certificate=one, csr=b"x", step="awaiting_merge", spki_sha256=f"{one.pk:064x}", **facts)
        for one in made
    )
    moment = timezone.now()
    shared = {"number": 1, "der": b"x", "content_type": "", "key_title": "", "not_before": moment, "not_after": moment}
    Version.objects.bulk_create(
        Version(certificate=one, thumbprint_sha256=f"{one.pk:064x}", serial=f"{one.pk:x}", **shared) for one in made
    )
    return operation


@pytest.mark.parametrize("what", ["requests", "versions"])
def test_an_index_answers_so_that_a_hundred_thousand_others_do_not_matter(what: str) -> None:
    operation = among_many()
    given = [answer(operation)]
    look = diagnosing.requests_for if what == "requests" else diagnosing.versions_of

    plan = explained(lambda: look(given, among=[operation.vault]))

    table, column = ("vault_operation", "spki") if what == "requests" else ("vault_version", "thumbprint_sha256")
    assert re.search(rf"(SEARCH {table}|Index Scan|Bitmap Index Scan).*{column}", plan), plan
    assert f"SCAN {table}" not in plan
    assert f"Seq Scan on {table}" not in plan


def test_requests_that_others_made_with_the_same_key_hide_none_of_mine() -> None:
    operation, others = make_operation(name="mine"), make_vault()
    facts = {"vault": others, "policy": operation.policy, "issuer_name": "Unknown"}
    made = Certificate.objects.bulk_create(Certificate(name=f"c{number}", **facts) for number in range(60))
    Operation.objects.bulk_create(
        Operation(certificate=one, csr=bytes(operation.csr), spki_sha256=operation.spki_sha256, **facts) for one in made
    )
    given = [answer(operation)]

    assert diagnosing.requests_for(given, among=[operation.vault]) == [operation]
    assert len(diagnosing.requests_for(given, among=[others])) == 50


def test_times_are_told_in_utc() -> None:
    operation = make_operation()
    withdrawing.cancel(operation=operation, by=SYSTEM)
    operation.ended_at = timezone.now().replace(year=2026, month=11, day=3, hour=4, minute=5)

    assert "on 3 November 2026, 04:05 UTC" in str(diagnosing.why_closed(operation))
