"""Where everything is in a vault's API. A name may be followed by a version; without one the current version is meant.

Paths come without a slash at the end (`portal.api.hosts` takes it off), so an empty version is no version.
"""

from django.urls import path

from portal.api import backups, certificates, contacts, deleted, imports, issuers, keys, openapi, operations, secrets
from portal.api.http import by_method

urlpatterns = [
    path("openapi.json", openapi.on_vault),
    path("certificates", certificates.index),
    path("certificates/contacts", by_method(contacts.detail, contacts.replace, contacts.delete)),
    path("certificates/issuers", issuers.index),
    path("certificates/issuers/<str:name>", by_method(issuers.detail, issuers.replace, issuers.update, issuers.delete)),
    path("certificates/restore", backups.restore),
    path("certificates/<str:name>", by_method(certificates.detail, certificates.update, certificates.delete)),
    path("certificates/<str:name>/create", operations.create),
    path("certificates/<str:name>/import", imports.create),
    path("certificates/<str:name>/backup", backups.create),
    path("certificates/<str:name>/versions", certificates.versions),
    path("certificates/<str:name>/policy", by_method(certificates.policy, certificates.update_policy)),
    path("certificates/<str:name>/pending", by_method(operations.detail, operations.cancel, operations.delete)),
    path("certificates/<str:name>/pending/merge", operations.merge),
    path("certificates/<str:name>/<str:version>", by_method(certificates.detail, certificates.update)),
    path("deletedcertificates", deleted.index),
    path("deletedcertificates/<str:name>", by_method(deleted.detail, deleted.purge)),
    path("deletedcertificates/<str:name>/recover", deleted.recover),
    path("secrets", secrets.index),
    path("secrets/<str:name>", secrets.detail),
    path("secrets/<str:name>/versions", secrets.versions),
    path("secrets/<str:name>/<str:version>", secrets.detail),
    path("keys", keys.index),
    path("keys/<str:name>", keys.detail),
    path("keys/<str:name>/versions", keys.versions),
    path("keys/<str:name>/sign", keys.sign),
    path("keys/<str:name>/verify", keys.verify),
    path("keys/<str:name>/encrypt", keys.encrypt),
    path("keys/<str:name>/decrypt", keys.decrypt),
    path("keys/<str:name>/wrapkey", keys.wrapkey),
    path("keys/<str:name>/unwrapkey", keys.unwrapkey),
    path("keys/<str:name>/<str:version>", keys.detail),
    path("keys/<str:name>/<str:version>/sign", keys.sign),
    path("keys/<str:name>/<str:version>/verify", keys.verify),
    path("keys/<str:name>/<str:version>/encrypt", keys.encrypt),
    path("keys/<str:name>/<str:version>/decrypt", keys.decrypt),
    path("keys/<str:name>/<str:version>/wrapkey", keys.wrapkey),
    path("keys/<str:name>/<str:version>/unwrapkey", keys.unwrapkey),
]
