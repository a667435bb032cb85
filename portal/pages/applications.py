"""Applications: programs with an id and secrets of their own, and roles in vaults as people have."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal import applications as service
from portal.forms.applications import ApplicationForm, SecretForm
from portal.models import Application
from portal.pages import connecting, paging
from portal.pages.http import PageRequest, see_other
from vault.errors import BadParameter, Conflict, NotAllowedNow
from vault.models.audit import Actor

_RIGHT = "applications"


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The applications that the person manages, by name."""
    service.require_maker(request.user)
    mine = Application.objects.managed_by(request.user).select_related("account", "user")
    page = paging.page(request, mine.prefetch_related("secrets"), by="name")
    return TemplateResponse(request, "applications/index.html", {"nav": "connecting", "page": page})


@sensitive_post_parameters("password")
@sensitive_variables("text")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: PageRequest) -> HttpResponse:
    """Make an application. Its secret is shown in the answer to the POST itself, this once."""
    service.require_maker(request.user)
    form = ApplicationForm(request.POST or None, person=request.user)
    if form.is_valid():
        name, days = form.cleaned_data["name"], form.cleaned_data["days"]
        try:
            application, text = service.make(name=name, owner=request.user, days=days, by=_actor(request))
        except (BadParameter, Conflict) as error:
            form.add_error("name", str(error))
        else:
            return _shown(request, application, text, new=True)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "applications/new.html", {"nav": "connecting", "form": form}, status=status)


@require_GET
@login_required
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """One application: its secrets, where it is a member, and the means to end it."""
    application = _application(request, pk)
    return _detail(request, application, SecretForm(person=request.user))


@sensitive_post_parameters("password")
@sensitive_variables("text")
@require_POST
@login_required
def secret(request: PageRequest, pk: int) -> HttpResponse:
    """Give it another secret, which the answer shows, this once."""
    application = _application(request, pk)
    form = SecretForm(request.POST, person=request.user)
    if form.is_valid():
        try:
            days = form.cleaned_data["days"]
            _, text = service.add_secret(application=application, days=days, by=_actor(request))
        except NotAllowedNow as error:
            form.add_error(None, str(error))
        else:
            return _shown(request, application, text, new=False)
    return _detail(request, application, form)


@require_POST
@login_required
def remove_secret(request: PageRequest, pk: int, secret: int) -> HttpResponse:
    """End one secret at once."""
    application = _application(request, pk)
    found = application.secrets.select_related("application").filter(pk=secret).first() if secret < 2**63 else None
    if found is None:
        raise Http404("There is no such secret.")
    service.remove_secret(secret=found, by=_actor(request))
    messages.success(request, f"The secret {found.start}… opens nothing any more.")
    return see_other("applications:detail", application.pk)


@require_POST
@login_required
def active(request: PageRequest, pk: int) -> HttpResponse:
    """Shut it out, or let it in again."""
    application = _application(request, pk)
    if request.POST.get("active") == "yes":
        service.enable(application=application, by=_actor(request))
        messages.success(request, f"“{application}” may sign in again.")
    else:
        service.disable(application=application, by=_actor(request))
        messages.success(request, f"“{application}” is shut out. Its secrets and roles stay.")
    return see_other("applications:detail", application.pk)


@require_POST
@login_required
def delete(request: PageRequest, pk: int) -> HttpResponse:
    """Remove it for good, with secrets and roles."""
    application = _application(request, pk)
    if request.POST.get("confirm", "").strip() != application.name:
        error = f"Type “{application}” exactly, capitals included. Nothing was changed."
        return _detail(request, application, SecretForm(person=request.user), delete_error=error)
    service.delete(application=application, by=_actor(request))
    messages.success(request, f"“{application}” is gone, with its secrets and roles.")
    return see_other("applications:index")


def _application(request: PageRequest, pk: int) -> Application:
    mine = Application.objects.managed_by(request.user).select_related("account", "user")
    found = mine.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404("There is no such application.")
    return found


def _detail(request: PageRequest, application: Application, form: SecretForm, **refusal: str) -> HttpResponse:
    context: dict[str, Any] = {
        "nav": "connecting",
        "application": application,
        "secrets": list(application.secrets.order_by("pk")),
        "most_secrets": service.MOST_SECRETS,
        "held": list(access.memberships_of(application.account)[:100]),
        "form": form,
        **refusal,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal or form.errors else HTTPStatus.OK
    return TemplateResponse(request, "applications/detail.html", context, status=status)


def _shown(request: PageRequest, application: Application, text: str, *, new: bool) -> HttpResponse:
    context = {
        "nav": "connecting",
        "application": application,
        "text": text,
        "new": new,
        "login": connecting.login_address(request),
        "tenant": connecting.TENANT,
    }
    return TemplateResponse(request, "applications/shown.html", context)


def _actor(request: PageRequest) -> Actor:
    return access.actor(request, _RIGHT)
