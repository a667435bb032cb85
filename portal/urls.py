"""Where everything is. View, URL name and template share one name: `certificates.detail`, `certificates:detail`."""

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter

from portal.api import openapi
from portal.pages import (
    accounts,
    answers,
    applications,
    audit,
    calendars,
    certificates,
    connecting,
    contacts,
    csrs,
    deleted,
    downloads,
    expiry,
    finding,
    health,
    home,
    hosts,
    imports,
    issuers,
    ledgers,
    load,
    members,
    notices,
    operations,
    orders,
    owners,
    people,
    policies,
    requests,
    tokens,
    vaults,
    versions,
    webhooks,
)


class Hex32(StringConverter):
    """A request's or a version's id: 32 hex digits."""

    regex = "[0-9a-f]{32}"


class Name(StringConverter):
    """A vault's or a certificate's name."""

    regex = "[0-9a-zA-Z-]{1,127}"


register_converter(Hex32, "hex32")
register_converter(Name, "name")

_accounts = [
    path("sign-in/", accounts.sign_in, name="sign-in"),
    path("sign-out/", accounts.sign_out, name="sign-out"),
    path("account/", accounts.detail, name="detail"),
    path("account/password/", accounts.password, name="password"),
    path("theme/", accounts.theme, name="theme"),
    path("password-reset/", accounts.reset, name="reset"),
    path("password-reset/sent/", accounts.reset_sent, name="reset-sent"),
    path("password-reset/<str:uidb64>/<str:token>/", accounts.reset_confirm, name="reset-confirm"),
    path("invitation/<str:token>/", accounts.invitation, name="invitation"),
]
_tokens = [
    path("", tokens.index, name="index"),
    path("new/", tokens.new, name="new"),
    path("<int:pk>/revoke/", tokens.revoke, name="revoke"),
]
_applications = [
    path("", applications.index, name="index"),
    path("new/", applications.new, name="new"),
    path("<int:pk>/", applications.detail, name="detail"),
    path("<int:pk>/secret/", applications.secret, name="secret"),
    path("<int:pk>/secrets/<int:secret>/remove/", applications.remove_secret, name="remove-secret"),
    path("<int:pk>/active/", applications.active, name="active"),
    path("<int:pk>/delete/", applications.delete, name="delete"),
]
_connecting = [
    path("", connecting.index, name="index"),
    path("ca.pem", connecting.ca, name="ca"),
]
_people = [
    path("", people.index, name="index"),
    path("invite/", people.invite, name="invite"),
    path("ring-backup/", people.ring_backup, name="ring-backup"),
    path("audit/", people.audit, name="audit"),
    path("audit.csv", people.audit_csv, name="audit-csv"),
    path("<int:pk>/", people.detail, name="detail"),
    path("<int:pk>/link/", people.link, name="link"),
    path("<int:pk>/active/", people.active, name="active"),
    path("<int:pk>/administrator/", people.administrator, name="administrator"),
]
_vaults = [
    path("", vaults.index, name="index"),
    path("new/", vaults.new, name="new"),
    path("deleted/", vaults.deleted, name="deleted"),
    path("deleted/<name:vault>/recover/", vaults.recover, name="recover"),
    path("deleted/<name:vault>/purge/", vaults.purge, name="purge"),
    path("<name:vault>/settings/", vaults.settings, name="settings"),
    path("<name:vault>/settings/protect/", vaults.protect, name="protect"),
    path("<name:vault>/settings/delete/", vaults.delete, name="delete"),
]
_calendars = [
    path("account/calendars/", calendars.index, name="index"),
    path("account/calendars/make/", calendars.make, name="make"),
    path("account/calendars/<int:pk>/remove/", calendars.remove, name="remove"),
    path("calendar/<str:token>.ics", calendars.feed, name="feed"),
]
_webhooks = [
    path("<name:vault>/webhooks/", webhooks.index, name="index"),
    path("<name:vault>/webhooks/add/", webhooks.add, name="add"),
    path("<name:vault>/webhooks/<hex32:webhook>/", webhooks.detail, name="detail"),
    path("<name:vault>/webhooks/<hex32:webhook>/edit/", webhooks.edit, name="edit"),
    path("<name:vault>/webhooks/<hex32:webhook>/switch/", webhooks.switch, name="switch"),
    path("<name:vault>/webhooks/<hex32:webhook>/secret/", webhooks.secret, name="secret"),
    path("<name:vault>/webhooks/<hex32:webhook>/test/", webhooks.test, name="test"),
    path("<name:vault>/webhooks/<hex32:webhook>/remove/", webhooks.remove, name="remove"),
    path("<name:vault>/webhooks/<hex32:webhook>/events/<hex32:delivery>/again/", webhooks.again, name="again"),
]
_hosts = [
    path("<name:vault>/settings/host/", hosts.change, name="change"),
]
_members = [
    path("<name:vault>/access/", members.index, name="index"),
    path("<name:vault>/access/add/", members.add, name="add"),
    path("<name:vault>/access/<int:pk>/change/", members.change, name="change"),
    path("<name:vault>/access/<int:pk>/remove/", members.remove, name="remove"),
]
_contacts = [
    path("<name:vault>/contacts/", contacts.index, name="index"),
    path("<name:vault>/contacts/add/", contacts.add, name="add"),
    path("<name:vault>/contacts/<int:contact>/", contacts.edit, name="edit"),
    path("<name:vault>/contacts/<int:contact>/test/", contacts.test, name="test"),
    path("<name:vault>/contacts/<int:contact>/remove/", contacts.remove, name="remove"),
]
_notices = [
    path("", notices.index, name="index"),
    path("mine/<hex32:notice>/", notices.detail, name="detail"),
    path("<str:token>/", notices.answer, name="answer"),
]
_search = [path("", finding.index, name="index")]
_expiry = [
    path("", expiry.index, name="index"),
    path("expiry.csv", expiry.csv, name="csv"),
    path("views/save/", expiry.save, name="save"),
    path("views/<int:pk>/remove/", expiry.forget, name="forget"),
    path("load/", load.load, name="load"),
]
_audit = [
    path("<name:vault>/audit/", audit.index, name="index"),
    path("<name:vault>/audit.csv", audit.csv, name="csv"),
]
_requests = [
    path("<name:vault>/request/", requests.new, name="new"),
    path("<name:vault>/request/check/", requests.check, name="check"),
    path("<name:vault>/request/submit/", requests.submit, name="submit"),
    path("<name:vault>/request/field/", requests.field, name="field"),
]
_csrs = [
    path("<name:vault>/request/csr/", csrs.new, name="new"),
    path("<name:vault>/request/csr/check/", csrs.check, name="check"),
    path("<name:vault>/request/csr/submit/", csrs.submit, name="submit"),
]
_imports = [
    path("<name:vault>/import/", imports.new, name="new"),
    path("<name:vault>/import/<hex32:draft>/", imports.preview, name="preview"),
    path("<name:vault>/import/<hex32:draft>/field/", imports.field, name="field"),
    path("<name:vault>/import/<hex32:draft>/results.csv", imports.results, name="results"),
]
_issuers = [
    path("<name:vault>/new-issuer/", issuers.new, name="new"),
    path("<name:vault>/new-issuer/<name:provider>/", issuers.add, name="add"),
    path("<name:vault>/issuers/", issuers.index, name="index"),
    path("<name:vault>/issuers/<name:issuer>/", issuers.detail, name="detail"),
    path("<name:vault>/issuers/<name:issuer>/edit/", issuers.edit, name="edit"),
    path("<name:vault>/issuers/<name:issuer>/test/", issuers.test, name="test"),
    path("<name:vault>/issuers/<name:issuer>/enable/", issuers.enable, name="enable"),
    path("<name:vault>/issuers/<name:issuer>/disable/", issuers.disable, name="disable"),
    path("<name:vault>/issuers/<name:issuer>/delete/", issuers.delete, name="delete"),
]
_certificates = [
    path("<name:vault>/", certificates.index, name="index"),
    path("<name:vault>/certificates/<name:name>/", certificates.detail, name="detail"),
    path("<name:vault>/certificates/<name:name>/progress/", certificates.progress, name="progress"),
    path("<name:vault>/certificates/<name:name>/renew/", certificates.renew, name="renew"),
    path("<name:vault>/certificates/<name:name>/tags/", certificates.tags, name="tags"),
    path("<name:vault>/certificates/<name:name>/delete/", certificates.delete, name="delete"),
]
_owners = [
    path("<name:vault>/certificates/<name:name>/owner/", owners.change, name="change"),
]
_ledgers = [
    path("<name:vault>/certificates/<name:name>/notices/", ledgers.certificate, name="certificate"),
]
_policies = [
    path("<name:vault>/certificates/<name:name>/policy/", policies.edit, name="edit"),
    path("<name:vault>/certificates/<name:name>/policy/field/", policies.field, name="field"),
]
_deleted = [
    path("<name:vault>/deleted/", deleted.index, name="index"),
    path("<name:vault>/deleted/<name:name>/recover/", deleted.recover, name="recover"),
    path("<name:vault>/deleted/<name:name>/purge/", deleted.purge, name="purge"),
]
_version = "<name:vault>/certificates/<name:name>/versions/<hex32:version>"
_versions = [
    path(f"{_version}/", versions.detail, name="detail"),
    path(f"{_version}/enable/", versions.enable, name="enable"),
    path(f"{_version}/disable/", versions.disable, name="disable"),
    path(f"{_version}/revoke/", versions.revoke, name="revoke"),
]
_downloads = [
    path(f"{_version}/download/", downloads.with_key, name="with-key"),
    path(f"{_version}/certificate.pem", downloads.pem, name="pem"),
    path(f"{_version}/certificate.cer", downloads.der, name="der"),
    path(f"{_version}/chain.pem", downloads.chain, name="chain"),
    path(f"{_version}/chain-with-root.pem", downloads.chain_with_root, name="chain-with-root"),
    path(f"{_version}/certificate.p7b", downloads.p7b, name="p7b"),
]
_operation = "<name:vault>/operations/<hex32:request_id>"
_operations = [
    path("<name:vault>/operations/", operations.index, name="index"),
    path(f"{_operation}/", operations.detail, name="detail"),
    path(f"{_operation}/progress/", operations.progress, name="progress"),
    path(f"{_operation}/csr.pem", operations.csr_pem, name="csr-pem"),
    path(f"{_operation}/csr.der", operations.csr_der, name="csr-der"),
    path(f"{_operation}/merge/", operations.merge, name="merge"),
    path(f"{_operation}/cancel/", operations.cancel, name="cancel"),
    path(f"{_operation}/delete/", operations.delete, name="delete"),
    path(f"{_operation}/retry/", operations.retry, name="retry"),
]
_orders = [
    path(f"{_operation}/check/", orders.check, name="check"),
    path(f"{_operation}/decide/", orders.decide, name="decide"),
    path(f"{_operation}/late/", orders.late, name="late"),
]
_answers = [
    path("", answers.new, name="new"),
]

urlpatterns = [
    path("", home.index, name="home"),
    path("health/", health.index, name="health"),
    path("openapi.json", openapi.document, name="openapi"),
    path("answer/", include((_answers, "answers"))),
    path("", include((_accounts, "accounts"))),
    path("account/tokens/", include((_tokens, "tokens"))),
    path("applications/", include((_applications, "applications"))),
    path("connect/", include((_connecting, "connecting"))),
    path("people/", include((_people, "people"))),
    path("notices/", include((_notices, "notices"))),
    path("certificates/", include((_search, "search"))),
    path("expiry/", include((_expiry, "expiry"))),
    path("vaults/", include((_vaults, "vaults"))),
    path("vaults/", include((_hosts, "hosts"))),
    path("vaults/", include((_webhooks, "webhooks"))),
    path("", include((_calendars, "calendars"))),
    path("vaults/", include((_members, "members"))),
    path("vaults/", include((_audit, "audit"))),
    path("vaults/", include((_contacts, "contacts"))),
    path("vaults/", include((_owners, "owners"))),
    path("vaults/", include((_ledgers, "ledgers"))),
    path("vaults/", include((_requests, "requests"))),
    path("vaults/", include((_csrs, "csrs"))),
    path("vaults/", include((_imports, "imports"))),
    path("vaults/", include((_issuers, "issuers"))),
    path("vaults/", include((_operations, "operations"))),
    path("vaults/", include((_orders, "orders"))),
    path("vaults/", include((_deleted, "deleted"))),
    path("vaults/", include((_policies, "policies"))),
    path("vaults/", include((_versions, "versions"))),
    path("vaults/", include((_downloads, "downloads"))),
    path("vaults/", include((_certificates, "certificates"))),
]
handler400 = "portal.pages.failures.bad_request"
handler403 = "portal.pages.failures.forbidden"
handler404 = "portal.pages.failures.not_found"
handler500 = "portal.pages.failures.broken"
