"""The portal: pages, people, access."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Everything that knows HTTP."""

    name = "portal"
