"""People and applications, what they are in a vault, invitations, secrets and tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AbstractApplication, ClientSecretField

from vault.errors import NotAllowedNow
from vault.models import Vault


class User(AbstractUser):
    """A person, or the account of an application. `is_staff` makes a portal administrator of a person.

    A portal administrator makes vaults and invites people, and has no verb in a vault by that. An application has
    roles in vaults as people have; it has no password, and never comes to the pages.
    """

    must_change_password = models.BooleanField(default=False)
    is_application = models.BooleanField(default=False)

    class Meta:
        verbose_name = "user"
        verbose_name_plural = "users"
        constraints: ClassVar = [
            models.UniqueConstraint("email", condition=~Q(email=""), name="email_once"),
        ]

    @property
    def title(self) -> str:
        """The name to show: full name, else user name."""
        return self.get_full_name() or self.username


class Role(models.TextChoices):
    """What a member is in a vault; `portal.access` expands roles to verbs."""

    READER = "reader", "Reader"
    REQUESTER = "requester", "Requester"
    OFFICER = "officer", "Officer"
    ADMINISTRATOR = "administrator", "Administrator"
    AUDITOR = "auditor", "Auditor"


class Membership(models.Model):
    """A user or a group has a role in a vault."""

    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
                name="membership_of_user_or_group",
            ),
            models.UniqueConstraint(fields=["vault", "user"], name="membership_of_user_once"),
            models.UniqueConstraint(fields=["vault", "group"], name="membership_of_group_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.get_role_display()} of {self.vault}"


class Invitation(models.Model):
    """A one-time link with which a person chooses a password. Only a hash of the link's secret is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Invitation]] = models.Manager()

    def __str__(self) -> str:
        return f"invitation of {self.user}"

    @classmethod
    def issue(cls, user: User) -> str:
        """Make a link secret for `user`, ending earlier ones; returned once, valid for INVITATION_DAYS."""
        moment = timezone.now()
        cls.objects.filter(user=user, used_at__isnull=True).update(expires_at=moment)
        token = secrets.token_urlsafe(32)
        life = timedelta(days=settings.INVITATION_DAYS)
        cls.objects.create(user=user, token_hash=cls.hashed(token), expires_at=moment + life)
        return token

    @classmethod
    def open_for(cls, token: str) -> Invitation | None:
        """The unused, unexpired invitation of this link, or None."""
        usable = cls.objects.filter(used_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True)
        return usable.select_related("user").filter(token_hash=cls.hashed(token)).first()

    @staticmethod
    def hashed(token: str) -> str:
        """SHA-256, in hex, of a link secret."""
        return hashlib.sha256(token.encode()).hexdigest()

    def use(self) -> None:
        """Use the link up. Raises NotAllowedNow when someone was faster."""
        mine = Invitation.objects.filter(pk=self.pk, used_at__isnull=True, expires_at__gt=timezone.now())
        if not mine.update(used_at=timezone.now()):
            raise NotAllowedNow("This link has been used already. Ask an administrator for a new one.")


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Questions about applications."""

    def managed_by(self, user: User) -> ApplicationQuerySet:
        """The applications that a person may manage: their own, a portal administrator all of them."""
        return self if user.is_staff else self.filter(user=user)


class Application(AbstractApplication, models.Model):  # type: ignore[misc]
    """A program with a client id and secrets of its own (RFC 6749 §4.4). `user`, of the library, is its owner.

    What it may do in vaults is the memberships of `account`. Its secrets are rows of their own, so that a new one can
    be put in place before the old one ends; the library's single secret stays empty.
    """

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="application")

    objects: ClassVar[models.Manager[Application]] = models.Manager.from_queryset(ApplicationQuerySet)()

    def __str__(self) -> str:
        return str(self.name)


class ApplicationSecret(models.Model):
    """One of an application's secrets, hashed as passwords are; `start` is its beginning, which pages show."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="secrets")
    start = models.CharField(max_length=8)
    hashed = ClientSecretField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[ApplicationSecret]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.application} ({self.start}…)"

    def __repr__(self) -> str:
        return f"<ApplicationSecret {self.pk}>"

    @property
    def has_expired(self) -> bool:
        """Whether its days are over."""
        return self.expires_at <= timezone.now()


class TokenQuerySet(models.QuerySet["Token"]):
    """Questions about tokens."""

    def usable(self) -> TokenQuerySet:
        """Tokens that open something: neither revoked nor expired, of people who may sign in."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True)


class Token(models.Model):
    """What a program signs in with, as one person, for some vaults and verbs. Only a keyed digest is kept.

    It opens what its owner may do at that moment, narrowed to `vaults` and `verbs`. One that an application was given
    for its `secret` opens every vault that the application is a member of, and ends with the secret.
    """

    ALL: ClassVar = ["all"]
    # Whether it is for the vault that `portal.tokens.find` was asked about.
    fits: bool

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    start = models.CharField(max_length=8)
    secret = models.ForeignKey(ApplicationSecret, null=True, on_delete=models.CASCADE, related_name="tokens")
    vaults = models.ManyToManyField(Vault, related_name="+")
    verbs = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Token]] = models.Manager.from_queryset(TokenQuerySet)()

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @property
    def scope(self) -> frozenset[str] | None:
        """The verbs that it leaves of its owner's; None for all of them."""
        return None if self.verbs == self.ALL else frozenset(self.verbs)

    @property
    def was_used_just_now(self) -> bool:
        """Whether its last use, as noted, is less than a minute ago."""
        return self.last_used_at is not None and timezone.now() - self.last_used_at < timedelta(minutes=1)

    @property
    def has_expired(self) -> bool:
        """Whether its days are over."""
        return self.expires_at <= timezone.now()

    def revoke(self) -> None:
        """End it for good. Raises NotAllowedNow when it is revoked already."""
        mine = Token.objects.filter(pk=self.pk, revoked_at__isnull=True)
        if not mine.update(revoked_at=timezone.now()):
            raise NotAllowedNow(f"The token “{self.name}” is revoked already.")

    def note_use(self, digest: str) -> None:
        """Remember that it is used, at most once a minute, and keep its digest under the ring's active key."""
        moment = timezone.now()
        long_ago = Q(last_used_at=None) | Q(last_used_at__lte=moment - timedelta(minutes=1))
        Token.objects.filter(long_ago, pk=self.pk).update(last_used_at=moment, digest=digest)


class Calendar(models.Model):
    """A secret address under which a calendar program reads what expires: in one vault, or all that a person sees.

    Only a keyed digest of the address's secret is kept.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendars")
    vault = models.ForeignKey(Vault, null=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Calendar]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "vault"], name="calendar_of_vault_once"),
            models.UniqueConstraint(fields=["user"], condition=Q(vault=None), name="calendar_of_all_once"),
        ]

    def __str__(self) -> str:
        return f"calendar of {self.user}"


class SavedView(models.Model):
    """A filter over certificates that a person keeps under a name; `query` is that of its address."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[SavedView]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_once"),
        ]

    def __str__(self) -> str:
        return self.name
