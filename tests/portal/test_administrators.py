"""Whom the vault writes to when a CA refuses an issuer's credentials."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.utils.module_loading import import_string

from portal.models import Membership, Role, User
from tests.factories import make_member, make_vault


def test_the_active_administrators_of_the_vault_are_written_to_and_nobody_else() -> None:
    vault = make_vault()
    ruling, gone, plain, of_another, grouped = (
        make_member(vault, Role.ADMINISTRATOR),
        make_member(vault, Role.ADMINISTRATOR),
        make_member(vault, Role.OFFICER),
        make_member(make_vault(), Role.ADMINISTRATOR),
        make_member(make_vault(), Role.READER),
    )
    for number, person in enumerate((ruling, gone, plain, of_another, grouped)):
        User.objects.filter(pk=person.pk).update(email=f"person-{number}@example.org")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    group = Group.objects.create(name="keepers")
    grouped.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.ADMINISTRATOR)

    found = import_string(settings.VAULT_ADMINISTRATORS)(vault)

    assert found == ["person-0@example.org", "person-4@example.org"]
