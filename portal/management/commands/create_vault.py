"""`manage.py create_vault NAME`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault.errors import VaultError
from vault.lifecycle import vaults
from vault.models.audit import SYSTEM


class Command(BaseCommand):
    help = "Make an empty vault. Give it members with add_member."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--retention-days", type=int, default=90, help="how long deleted things stay, 7 to 90")
        parser.add_argument("--purge-protection", action="store_true", help="nobody can purge before that")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            vault = vaults.create_vault(
                name=options["name"],
                by=SYSTEM,
                retention_days=options["retention_days"],
                purge_protection=options["purge_protection"],
            )
        except VaultError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Vault “{vault}” made.")
