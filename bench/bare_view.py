"""A Django project of one view, which answers with the octets of the file that BARE_BODY names."""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="bare", USE_I18N=False)
_BODY = Path(os.environ["BARE_BODY"]).read_bytes()


def view(_request: HttpRequest) -> HttpResponse:
    """Answer the same to everything."""
    headers = {"Content-Length": str(len(_BODY))}
    return HttpResponse(_BODY, content_type="application/json; charset=utf-8", headers=headers)


urlpatterns = [re_path("", view)]
django.setup(set_prefix=False)
application = WSGIHandler()
