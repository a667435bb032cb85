from portal.forms.downloads import ExportForm


def test_a_pem_file_needs_no_password() -> None:
    form = ExportForm({"format": "pem"}, has_root=False)

    assert form.is_valid()


def test_a_password_of_twelve_characters_is_long_enough_and_spaces_count() -> None:
    form = ExportForm({"format": "pfx", "password": " ten chars  "}, has_root=False)

    assert form.is_valid()
    assert form.cleaned_data["password"] == " ten chars  "


def test_a_forgotten_password_is_not_in_the_field_any_more() -> None:
    form = ExportForm({"format": "jks", "password": "correct horse battery"}, has_root=False)
    form.is_valid()

    form.forget_password()

    assert "correct horse battery" not in form.as_p()
