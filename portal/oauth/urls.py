"""Where clients of the key vault look for tokens, on the host `login.<API_DOMAIN>`."""

from django.urls import path

from portal.oauth import views

urlpatterns = [
    path("<str:tenant>/v2.0/.well-known/openid-configuration", views.configuration),
    path("<str:tenant>/.well-known/openid-configuration", views.configuration),
    path("<str:tenant>/discovery/v2.0/keys", views.keys),
    path("<str:tenant>/oauth2/v2.0/token", views.token),
]
