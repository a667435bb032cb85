"""`manage.py after_restore`."""

from typing import Any

from django.core.management.base import BaseCommand

from vault.lifecycle import reconciling


class Command(BaseCommand):
    help = "After the database was put back from a backup, before the portal starts: look for orders placed meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        count = reconciling.look_before_sending()
        self.stdout.write(
            f"{count} requests were about to be sent. Each is looked for at its CA first; where a CA cannot be "
            "searched, an administrator decides on the page of the request."
        )
