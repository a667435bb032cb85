"""Signing in and out, the account page, passwords, invitations, the theme."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from axes.utils import reset as forget_failures
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, mailing, memberships, people, rates
from portal.forms.accounts import ChangePasswordForm, NewPasswordForm, ResetForm, SignInForm
from portal.http import client_address
from portal.models import Invitation, User
from portal.pages.http import PageRequest, own_address, see_other
from portal.pages.tabs import first_tab
from vault.models.audit import Actor

THEMES = frozenset({"light", "dark"})
_THEME_AGE = 365 * 24 * 3600
_MINUTE = 60
_BACKEND = "django.contrib.auth.backends.ModelBackend"


# ------------------------------------------------------------------- in and out
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with user name and password; django-axes counts failures and locks (`locked_out`)."""
    if request.user.is_authenticated:
        return redirect(own_address(request, request.GET.get("next", "")))
    form = SignInForm(request.POST or None)
    to = request.POST.get("next") or request.GET.get("next", "")
    if form.is_valid():
        address = (f"sign-ins/people/{client_address(request)}", settings.SIGN_INS_PER_ADDRESS)
        full, seconds = rates.shared().take([address], window=_MINUTE)
        if full is not None:
            return _too_many(
                request, "Too many sign-ins came from your address. Wait a minute, then try again.", seconds
            )
        person = _authenticated(request, form)
        if person is not None:
            auth.login(request, person)
            people.note_sign_in(person=person, by=_person(request, person))
            return see_other(own_address(request, to))
        form.refuse()
    return _page(request, "accounts/sign_in.html", form, next=to)


def _authenticated(request: HttpRequest, form: SignInForm) -> User | None:
    # One spelling of a name, so that its variants share one count of failures.
    typed = form.cleaned_data["username"]
    known = people.named(typed).values_list("username", flat=True).first()
    username = known or _unknown(typed)
    person = auth.authenticate(request, username=username, password=form.cleaned_data["password"])
    if person is None:
        locked = bool(getattr(request, "axes_locked_out", False))
        people.note_failed_sign_in(username=username, by=_someone(request), locked=locked)
    return person if isinstance(person, User) else None


def _unknown(typed: str) -> str:
    """What failures for a name that nobody has are counted under: people type passwords into the wrong field."""
    return salted_hmac("portal.sign-in", typed.casefold(), algorithm="sha256").hexdigest()


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """429: too many failed sign-ins from this address for this name."""
    message = (
        "Too many sign-ins with this user name failed. Wait a quarter of an hour, then try again. "
        "If you forgot the password, ask for a new one meanwhile."
    )
    return _too_many(request, message, int(settings.AXES_COOLOFF_TIME * 3600))


def _too_many(request: HttpRequest, message: str, seconds: int) -> HttpResponse:
    status, headers = HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)}
    return TemplateResponse(request, "errors/429.html", {"message": message}, status=status, headers=headers).render()


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    auth.logout(request)
    messages.success(request, "You have signed out.")
    return see_other("accounts:sign-in")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie; anything else follows the system again."""
    response = see_other(own_address(request, request.POST.get("next", "")))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=_THEME_AGE, secure=settings.HTTPS, httponly=True, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


# ------------------------------------------------------------------ the account
@require_GET
@login_required
def detail(request: PageRequest) -> HttpResponse:
    """Who you are here, and what you may do where."""
    mine = access.vaults_of(request.user)
    vaults = [(vault, memberships.role_titles(rights.roles), first_tab(rights)) for vault, rights in mine.items()]
    return TemplateResponse(request, "accounts/detail.html", {"vaults": vaults})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def password(request: PageRequest) -> HttpResponse:
    """Change the password; the page someone with a first password is sent to."""
    form = ChangePasswordForm(request.POST or None, person=request.user)
    is_first = request.user.must_change_password
    if form.is_valid():
        by = _person(request, request.user)
        people.change_password(person=request.user, password=form.cleaned_data["password"], by=by)
        auth.update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is changed. You are signed out everywhere else.")
        return see_other("home" if is_first else "accounts:detail")
    return _page(request, "accounts/password.html", form)


# ------------------------------------------------------------------- the reset
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """Ask for a reset link by mail. The answer is the same whether or not someone has the address."""
    form = ResetForm(request.POST or None)
    if settings.MAIL_WORKS and form.is_valid():
        _send_reset(request, form.cleaned_data["email"])
        return see_other("accounts:reset-sent")
    return _page(request, "accounts/reset.html", form)


@require_GET
def reset_sent(request: HttpRequest) -> HttpResponse:
    """Say what happens next, whoever asked."""
    return TemplateResponse(request, "accounts/reset_sent.html")


def _send_reset(request: HttpRequest, email: str) -> None:
    person = User.objects.filter(email__iexact=email, is_active=True).order_by("pk").first()
    if person is None or not person.has_usable_password():
        return
    if people.note_reset_mail(person=person, by=_person(request, person)):
        uid = urlsafe_base64_encode(force_bytes(person.pk))
        path = reverse("accounts:reset-confirm", args=[uid, default_token_generator.make_token(person)])
        mailing.send_apart("reset", person.email, {"person": person, "link": settings.PORTAL_URL + path})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reset_confirm(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Choose a password with a mailed link. The link ends when it is used, and after PASSWORD_RESET_TIMEOUT."""
    person = _person_of(uidb64)
    if person is None or not default_token_generator.check_token(person, token):
        return TemplateResponse(request, "accounts/link_ended.html", {"kind": "reset"}, status=HTTPStatus.NOT_FOUND)
    form = NewPasswordForm(request.POST or None, person=person)
    if form.is_valid():
        people.reset_password(person=person, password=form.cleaned_data["password"], by=_person(request, person))
        forget_failures(username=person.username)
        messages.success(request, "Your new password is set. Sign in with it.")
        return see_other("accounts:sign-in")
    return _page(request, "accounts/reset_confirm.html", form, person=person)


def _person_of(uidb64: str) -> User | None:
    try:
        pk = int(urlsafe_base64_decode(uidb64))
    except (ValueError, UnicodeDecodeError):
        return None
    return User.objects.filter(pk=pk, is_active=True).first() if 0 < pk < 2**63 else None


# -------------------------------------------------------------- the invitation
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a password with a one-time link and be signed in."""
    found = Invitation.open_for(token)
    if found is None:
        return TemplateResponse(
            request, "accounts/link_ended.html", {"kind": "invitation"}, status=HTTPStatus.NOT_FOUND
        )
    form = NewPasswordForm(request.POST or None, person=found.user)
    if form.is_valid():
        by = _person(request, found.user)
        person = people.accept(invitation=found, password=form.cleaned_data["password"], by=by)
        forget_failures(username=person.username)
        auth.login(request, person, backend=_BACKEND)
        messages.success(request, f"Welcome, {person.title}. Your password is set and you are signed in.")
        return see_other("home")
    return _page(request, "accounts/invitation.html", form, person=found.user)


# ---------------------------------------------------------------------- helpers
def _page(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, template, {"form": form, **context}, status=status)


def _person(request: HttpRequest, person: User) -> Actor:
    return Actor(name=person.username, user_id=person.pk, right="self", address=client_address(request))


def _someone(request: HttpRequest) -> Actor:
    return Actor(name="", address=client_address(request))
