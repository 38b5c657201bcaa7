"""Settings that are not possible are named, and secrets never."""

from __future__ import annotations

import pytest

from thalweg_client import SettingError, Settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"address": "thalweg:7480"}, "address: 'thalweg:7480' is no http"),
        ({"address": ""}, "address: ''"),
        ({"address": "https://ann:secret@thalweg"}, "address: it holds a user"),
        ({"address": "https://thalweg?q=1"}, "address: it holds a user, a query"),
        ({"address": "https://thalweg", "token": "a b"}, "token: it holds blanks"),
        ({"address": "https://thalweg", "token": "a\nb"}, "token: it holds blanks"),
        ({"address": "https://thalweg", "timeout": 0}, "timeout: 0 is not more"),
        ({"address": "https://thalweg", "verify": "/no/such.pem"}, "verify: there is no file /no/such.pem"),
        ({"address": "http://thalweg:7480", "token": "secret"}, "would go unencrypted to thalweg"),
        ({"address": "http://127.0.0.1.example", "token": "secret"}, "would go unencrypted"),
    ],
)
def test_what_is_not_possible_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        Settings(**given)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_token_goes_unencrypted_to_this_machine_only_or_where_it_is_allowed() -> None:
    for address in ("http://127.0.0.1:7480", "http://localhost:7480", "http://[::1]:7480", "https://thalweg"):
        assert Settings(address, "secret").token == "secret"
    assert Settings("http://thalweg", "secret", plaintext=True).token == "secret"
    assert Settings("http://thalweg").token == ""


def test_a_token_is_not_in_a_representation() -> None:
    assert "secret" not in repr(Settings("https://thalweg", "secret"))


def test_pages_are_those_of_the_dashboard() -> None:
    settings = Settings("https://thalweg/proxied/")
    assert settings.page() == "https://thalweg/proxied/"
    assert settings.page("a b") == "https://thalweg/proxied/engines"
    assert settings.page("a b", "words-1/2") == "https://thalweg/proxied/topologies/a%20b/words-1%2F2"
    assert Settings("https://thalweg", dashboard="https://d/").page("a", "b") == "https://d/topologies/a/b"
