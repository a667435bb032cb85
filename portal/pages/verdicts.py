"""What the answers amount to: every value in words, who issues, what happens next, what to know before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.forms import BoundField

from portal.forms.choices import FORMAT_CHOICES, issuer_card, type_card
from portal.forms.purposes import EMAIL_PROTECTION, OTHER, PURPOSE_CHOICES, eku_titles, usage_titles
from portal.forms.requests import RequestForm
from portal.forms.texts import MOST_COMMON_NAME
from vault.models.policy import SELF, SERVER_AUTH, UNKNOWN, LifetimeAction, LifetimeActionType, Policy
from vault.x509.visible import display

_KINDS = {"dns": "DNS", "email": "E-mail", "upn": "UPN", "uri": "URI", "ip": "IP"}


UNUSED_USAGES = "The key usages that you named are not used: they count only with the purpose “Other”."


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One answer: its name, its lines, and the field to change it in."""

    title: str
    lines: Sequence[str]
    field: BoundField
    code: bool = False

    @property
    def anchor(self) -> str:
        """The id of the control to change it in; a group's is that of its first choice."""
        return f"{self.field.auto_id}_0" if self.field.use_fieldset else self.field.auto_id


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What will happen, sentence by sentence, and what to know about the answers."""

    issuer: str
    next: str
    version: str
    is_new: bool
    notes: Sequence[str]


def facts(form: RequestForm) -> list[Fact]:
    """Every value of a valid form, as it will be signed or kept."""
    policy, order = form.policy(), form.order()
    purposes = dict(PURPOSE_CHOICES)
    usages = form["ekus" if form.cleaned_data["purpose"] == OTHER else "purpose"]
    tags = [f"{name} = {value}" if value else name for name, value in (order.tags or {}).items()]
    names = [f"{_KINDS[kind]}: {display(value)}" for kind, value in policy.names.pairs()]
    return [
        Fact(title="Certificate name", lines=[order.name], field=form["name"]),
        Fact(
            title="Subject", lines=[display(policy.subject) or "None"], field=form["subject"], code=bool(policy.subject)
        ),
        Fact(title="Alternative names", lines=names or ["None"], field=form["names"], code=bool(names)),
        Fact(title="Purpose", lines=[purposes[form.cleaned_data["purpose"]]], field=form["purpose"]),
        Fact(title="Key usages", lines=[", ".join(usage_titles(policy)) or "None"], field=usages),
        Fact(title="Extended key usages", lines=[", ".join(eku_titles(policy)) or "None"], field=usages),
        Fact(title="Issuer", lines=[issuer_card(policy.issuer_name)], field=form["issuer"]),
        *_type_fact(form),
        Fact(title="Valid for", lines=_validity_lines(form), field=form["validity_number"]),
        Fact(title="Key", lines=[policy.key.title, *_key_words(policy)], field=form["key"]),
        Fact(title="Format", lines=[dict(FORMAT_CHOICES)[policy.content_type]], field=form["content_type"]),
        Fact(title="Renewal", lines=[renewal_words(rule) for rule in policy.lifetime_actions], field=form["renewal"]),
        Fact(title="Tags", lines=tags or ["None"], field=form["tags"]),
    ]


def _validity_lines(form: RequestForm) -> list[str]:
    asked, shortened = str(form.policy().validity), form.shortened
    return [asked, shortened.words] if shortened else [asked]


def _type_fact(form: RequestForm) -> list[Fact]:
    kind = form.policy().certificate_type
    if "certificate_type" not in form.fields or not kind:
        return []
    return [Fact(title="Certificate type", lines=[type_card(kind)], field=form["certificate_type"])]


def verdict(form: RequestForm) -> Verdict:
    """What sending a valid form will do."""
    policy, name = form.policy(), form.order().name
    issuer, then = _issuer_words(policy)
    if form.holder is None:
        version = f"“{name}” is a new certificate in “{form.vault}”, and it will be yours."
    else:
        version = (
            f"“{form.holder}” exists in “{form.vault}”: this makes a new version of it, and from now on its policy is "
            "what you see here. The version in use stays until the new one is there."
        )
    return Verdict(issuer=issuer, next=then, version=version, is_new=form.holder is None, notes=_notes(form))


def renewal_words(rule: LifetimeAction) -> str:
    """`Renewed automatically when 80 % of its lifetime has passed`."""
    what = "Renewed automatically" if rule.action == LifetimeActionType.AUTO_RENEW else "People are told"
    if rule.lifetime_percentage is not None:
        return f"{what} when {rule.lifetime_percentage} % of its lifetime has passed"
    days = rule.days_before_expiry
    return f"{what} {days} {'day' if days == 1 else 'days'} before it expires"


def _issuer_words(policy: Policy) -> tuple[str, str]:
    if policy.issuer_name == SELF:
        return (
            "The portal signs it with its own key, at once.",
            "Software that has not been told to trust this very certificate will warn about it.",
        )
    if policy.issuer_name == UNKNOWN:
        then = (
            "The next page has a signing request (CSR) for it, and waits for the signed certificate. Your CA has the "
            "last word on names and validity."
        )
        return "A CA of your choice issues it; the portal does not talk to that CA.", then
    return f"“{policy.issuer_name}” issues it.", "The next page shows how far it is. You may close it meanwhile."


def _key_words(policy: Policy) -> list[str]:
    return [
        "Can be downloaded"
        if policy.key.exportable
        else "Never leaves the vault; only the certificate can be downloaded",
        "The same key for new versions" if policy.key.reuse else "A new key for each version",
    ]


def _notes(form: RequestForm) -> list[str]:
    policy, data = form.policy(), form.cleaned_data
    notes = list(form.read.notes) if form.read else []
    if form.name_is_proposed:
        notes.append(f"The certificate name “{form.order().name}” was taken from the first name.")
    if shortened := form.shortened:
        notes.append(
            f"The validity of {policy.validity} is {shortened.words}. The policy keeps what you wrote, and each "
            "renewal gets what is possible on its day."
        )
    first = next(iter(policy.names.dns), "")
    if len(first) > MOST_COMMON_NAME and not data["subject"] and not data["no_subject"]:
        where = f"The subject takes “{policy.subject}” instead." if policy.subject else "The subject stays empty."
        notes.append(f"“{first}” is too long for a common name, which holds {MOST_COMMON_NAME} characters. {where}")
    if form.has_unused_usages:
        notes.append(UNUSED_USAGES)
    if SERVER_AUTH in policy.ekus and not (policy.names.dns or policy.names.ips):
        notes.append("There is no host name or IP address among the names. Browsers will not accept it for a server.")
    if EMAIL_PROTECTION in policy.ekus and not policy.names.emails:
        notes.append("There is no e-mail address among the names. Mail programs look for one.")
    if policy.key.curve == "P-256K":
        notes.append("Browsers and most TLS software do not take keys on the curve P-256K.")
    return notes
