"""`manage.py verify_audit [VAULT …]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault.models import AuditChain
from vault.models.audit import verify


class Command(BaseCommand):
    help = "Check every audit chain, or those of the vaults named, for changed, missing or reordered events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("vault", nargs="*", help="a vault's name; none: all chains and the portal's own")

    def handle(self, *args: Any, **options: Any) -> None:
        chains = AuditChain.objects.order_by("id")
        if options["vault"]:
            wanted = {name.lower() for name in options["vault"]}
            chosen = [chain for chain in chains if chain.name.lower() in wanted]
            unknown = wanted - {chain.name.lower() for chain in chosen}
            if unknown:
                raise CommandError(f"There is no audit chain of: {', '.join(sorted(unknown))}.")
        else:
            chosen = list(chains)
        flaws = [flaw for chain in chosen for flaw in verify(chain)]
        for chain in chosen:
            self.stdout.write(f"{chain.name or 'portal'}: {chain.length} events, head {chain.head}")
        if flaws:
            raise CommandError("\n".join(str(flaw) for flaw in flaws))
        self.stdout.write("Every chain is sound. Keep the heads elsewhere: they prove the ends of the chains later.")
