"""`manage.py create_user NAME [--admin] [--password-stdin]`."""

import secrets
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from portal.models import User
from portal.setup import create_user
from vault.models.audit import SYSTEM


class Command(BaseCommand):
    help = "Make a person. Prints a password to change at the first sign-in, unless one is given on standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--admin", action="store_true", help="portal administrator: makes vaults, invites people")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        name, given = options["name"], options["password_stdin"]
        password = sys.stdin.readline().rstrip("\n") if given else "-".join(secrets.token_hex(3) for _ in range(4))
        user = User(username=name, email=options["email"])
        try:
            user.clean_fields(exclude=["password"])
            validate_password(password, user)
            user = create_user(
                name, password=password, is_administrator=options["admin"], by=SYSTEM, email=options["email"]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except IntegrityError:
            raise CommandError(f"There is someone named “{name}”, or with this e-mail address, already.") from None
        if given:
            User.objects.filter(pk=user.pk).update(must_change_password=False)
            self.stdout.write(f"“{name}” can sign in.")
        else:
            self.stdout.write(f"“{name}” can sign in with this password and must then change it: {password}")
