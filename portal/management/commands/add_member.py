"""`manage.py add_member VAULT USER ROLE`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import memberships
from portal.models import Membership, Role, User
from vault.errors import VaultError
from vault.models import Vault
from vault.models.audit import SYSTEM


class Command(BaseCommand):
    help = "Give a person a role in a vault, or another role than they had."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("vault")
        parser.add_argument("user")
        parser.add_argument("role", choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        vault = Vault.objects.filter(name_key=options["vault"].lower(), deleted_at__isnull=True).first()
        user = User.objects.filter(username=options["user"]).first()
        if vault is None:
            raise CommandError(f"There is no vault “{options['vault']}”. Make it with create_vault.")
        if user is None:
            raise CommandError(f"There is nobody named “{options['user']}”. Make them with create_user.")
        role = Role(options["role"])
        try:
            held = Membership.objects.filter(vault=vault, user=user).first()
            if held:
                memberships.change(membership=held, role=role, by=SYSTEM)
            else:
                memberships.add(vault=vault, member=user, role=role, by=SYSTEM)
        except VaultError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"“{user.username}” is {role.label} of “{vault}”.")
