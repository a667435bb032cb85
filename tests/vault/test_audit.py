import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from tests.factories import make_certificate, make_vault
from vault.models import AuditChain, AuditEvent
from vault.models.audit import SYSTEM, Actor, record, verify


@pytest.fixture
def tampering() -> None:
    """Someone with the database in their hands takes its triggers off."""
    on_table = " ON vault_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_update{on_table}")
        cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_delete{on_table}")


def chain_of(vault) -> AuditChain:
    return AuditChain.objects.get(pk=vault.pk)


def make_events(count: int):
    vault = make_vault()
    for number in range(count):
        record("test/event", f"thing/{number}", by=Actor(name="ada", address="::1"), vault=vault, details={"n": number})
    return vault


def test_every_change_is_an_event_and_the_chain_is_sound() -> None:
    certificate = make_certificate(name="www")

    chain = chain_of(certificate.vault)
    actions = list(chain.events.order_by("sequence").values_list("action", flat=True))
    assert actions == ["vaults/create", "certificates/create", "certificates/completed"]
    assert verify(chain) == []


@pytest.mark.usefixtures("tampering")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "mallory"),
        ("action", "test/other"),
        ("target", "thing/x"),
        ("result", "refused"),
        ("address", "10.0.0.1"),
        ("details", {"n": 99}),
        ("right", "x"),
        ("actor_id", 7),
        ("previous", "f" * 64),
        ("hash", "f" * 64),
        ("sequence", 99),
    ],
)
def test_a_changed_event_is_found(column: str, value: object) -> None:
    vault = make_events(5)
    AuditEvent.objects.filter(chain_id=vault.pk, sequence=3).update(**{column: value})

    flaws = verify(chain_of(vault))

    assert [flaw.sequence for flaw in flaws] in ([3], [4])


@pytest.mark.usefixtures("tampering")
def test_a_changed_time_is_found() -> None:
    vault = make_events(3)
    event = AuditEvent.objects.get(chain_id=vault.pk, sequence=2)
    AuditEvent.objects.filter(pk=event.pk).update(at=event.at.replace(microsecond=(event.at.microsecond + 1) % 10**6))

    assert verify(chain_of(vault))


@pytest.mark.usefixtures("tampering")
@pytest.mark.parametrize("sequence", [1, 3, 6])
def test_a_missing_event_is_found(sequence: int) -> None:
    vault = make_events(5)
    AuditEvent.objects.filter(chain_id=vault.pk, sequence=sequence).delete()

    assert "missing" in verify(chain_of(vault))[0].what


@pytest.mark.usefixtures("tampering")
def test_two_swapped_events_are_found() -> None:
    vault = make_events(5)
    second, third = AuditEvent.objects.filter(chain_id=vault.pk, sequence__in=[2, 3]).order_by("sequence")
    AuditEvent.objects.filter(pk=second.pk).update(sequence=100)
    AuditEvent.objects.filter(pk=third.pk).update(sequence=2)
    AuditEvent.objects.filter(pk=second.pk).update(sequence=3)

    assert verify(chain_of(vault))


def test_an_event_needs_a_transaction(transactional_db) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        record("test/event", "thing", by=SYSTEM)


def test_an_event_is_undone_with_what_it_tells_of() -> None:
    vault = make_vault()

    with transaction.atomic():
        record("test/event", "thing", by=SYSTEM, vault=vault)
        transaction.set_rollback(True)

    assert chain_of(vault).length == 1
    assert verify(chain_of(vault)) == []


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_leave_no_gap_and_no_fork() -> None:
    vault = make_vault()

    def write() -> None:
        for number in range(10):
            with transaction.atomic():
                record("test/event", f"thing/{number}", by=SYSTEM, vault=vault)
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert chain_of(vault).length == 81
    assert verify(chain_of(vault)) == []


@pytest.mark.usefixtures("tampering")
def test_verify_audit_names_the_place_of_a_flaw() -> None:
    vault = make_events(3)
    AuditEvent.objects.filter(chain_id=vault.pk, sequence=2).update(actor="mallory")

    with pytest.raises(CommandError, match=f"{vault.name} #2: was changed"):
        call_command("verify_audit", stdout=StringIO())


def test_verify_audit_says_when_every_chain_is_sound() -> None:
    make_events(3)
    out = StringIO()

    call_command("verify_audit", stdout=out)

    assert "Every chain is sound" in out.getvalue()


def test_verify_audit_refuses_an_unknown_vault() -> None:
    with pytest.raises(CommandError, match="no audit chain of: nowhere"):
        call_command("verify_audit", "nowhere", stdout=StringIO())


def test_the_database_itself_refuses_to_change_an_event() -> None:
    vault = make_events(1)

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditEvent.objects.filter(chain_id=vault.pk).update(actor="mallory")


@pytest.mark.postgresql_only
def test_the_database_itself_refuses_to_delete_an_event() -> None:
    vault = make_events(1)

    with pytest.raises(DatabaseError, match="deleted"), transaction.atomic():
        AuditEvent.objects.filter(chain_id=vault.pk).delete()
