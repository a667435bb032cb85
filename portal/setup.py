"""What `manage.py up` makes ready before it serves, and checks at each start."""

import secrets
from typing import TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from portal.models import User
from vault.errors import RingError
from vault.keys import ring
from vault.models import RingKey
from vault.models.audit import SYSTEM, Actor, record


def prepare(out: TextIO) -> None:
    """Bring database, key ring, first administrator and static files into being; repeating it changes nothing.

    Raises RingError when the ring is missing, unsafe, or lacks a key that this database needs.
    """
    settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    _make_ring_ready(out)
    _make_first_administrator(out)
    call_command("collectstatic", verbosity=0, interactive=False)


def check_ring() -> None:
    """Refuse to work with a ring that is missing, unsafe, or lacks a key this database needs. Raises RingError."""
    keys = ring.current().keys
    missing = [row.pk for row in RingKey.objects.order_by("created_at") if row.pk not in keys]
    if missing:
        raise RingError(
            f"The key ring {settings.KEYRING} lacks {len(missing)} key(s) that this database needs: "
            f"{', '.join(missing)}. Restore the ring that belongs to this database."
        )


def _make_ring_ready(out: TextIO) -> None:
    if not settings.KEYRING.exists():
        if RingKey.objects.exists():
            raise RingError(
                f"The key ring {settings.KEYRING} is missing, and this database holds keys that only it opens. "
                "Restore it from your backup; a new ring would not open them."
            )
        ring.create(settings.KEYRING)
        out.write(f"Key ring made: {settings.KEYRING}\n")
        out.write("  Back this up, apart from the database. Whoever loses it loses every private key in here.\n")
    check_ring()
    RingKey.objects.get_or_create(pk=ring.current().active)


def _make_first_administrator(out: TextIO) -> None:
    with transaction.atomic():
        if User.objects.exists():
            return
        password = "-".join(secrets.token_hex(3) for _ in range(4))
        create_user("admin", password=password, is_administrator=True, by=SYSTEM)
    out.write("First administrator made. Sign in once with this, then choose your own password:\n")
    out.write(f"  user name: admin\n  password:  {password}\n")


def create_user(username: str, *, password: str | None, is_administrator: bool, by: Actor, email: str = "") -> User:
    """Make a person whose password, if any, must be changed at the first sign-in."""
    user = User(username=username, email=email, is_staff=is_administrator, must_change_password=password is not None)
    user.set_password(password)
    with transaction.atomic():
        user.save(force_insert=True)
        record("people/create", f"people/{username}", by=by, details={"administrator": is_administrator})
    return user


_backed_up: set[str] = set()


def ring_is_backed_up() -> bool:
    """Whether someone has confirmed that the active ring key is backed up; asked of the database until it is."""
    try:
        active = ring.current().active
    except RingError:
        return False
    if active not in _backed_up and RingKey.objects.filter(pk=active, backed_up_at__isnull=False).exists():
        _backed_up.add(active)
    return active in _backed_up


@transaction.atomic
def confirm_ring_backup(user: User, by: Actor) -> None:
    """Note that the ring is backed up, so that the warning goes."""
    for ring_key_id in ring.current().keys:
        unconfirmed = RingKey.objects.filter(pk=ring_key_id, backed_up_at__isnull=True)
        if unconfirmed.update(backed_up_at=timezone.now(), backed_up_by=user):
            record("ring/backed-up", f"ring/{ring_key_id}", by=by)
