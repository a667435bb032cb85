"""`manage.py create_token USER --vault V [--vault W] [--verbs all|certificates/get,…] [--days N]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import people, tokens
from vault.errors import VaultError
from vault.models import Vault
from vault.models.audit import SYSTEM


class Command(BaseCommand):
    help = "Make a token of a person for the API. Prints the token, which is nowhere kept, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--vault", action="append", required=True, help="may be given several times")
        parser.add_argument("--verbs", default="all", help="all, or some such as certificates/get,secrets/get")
        parser.add_argument("--days", type=int, default=tokens.USUAL_DAYS, help="until it ends (default: %(default)s)")
        parser.add_argument("--name", default="made on the command line", help="what will use it")

    def handle(self, *args: Any, **options: Any) -> None:
        user = people.named(options["user"]).filter(is_active=True).first()
        if user is None:
            raise CommandError(f"There is nobody named “{options['user']}”. Make them with create_user.")
        verbs = [verb.strip() for verb in options["verbs"].split(",") if verb.strip()]
        vaults = [_vault(name) for name in options["vault"]]
        try:
            _, text = tokens.make(
                user=user, name=options["name"], vaults=vaults, verbs=verbs, days=options["days"], by=SYSTEM
            )
        except VaultError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(text)


def _vault(name: str) -> Vault:
    vault = Vault.objects.live().named(name).first()
    if vault is None:
        raise CommandError(f"There is no vault “{name}”. Make it with create_vault.")
    return vault
