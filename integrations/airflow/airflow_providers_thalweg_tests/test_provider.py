"""What Airflow knows of the provider, and what it makes of connections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers_manager import ProvidersManager

import airflow
from airflow_providers_thalweg import __version__
from airflow_providers_thalweg.get_provider_info import get_provider_info
from airflow_providers_thalweg.hooks.thalweg import ThalwegHook, settings_of
from airflow_providers_thalweg.operators.thalweg import ThalwegScaleOperator
from thalweg_client import SettingError
from thalweg_testing.stand import ENGINE, Stand

from .conftest import Connecting

HERE = Path(__file__).parent


def test_airflow_finds_the_provider_its_connection_and_its_links() -> None:
    manager = ProvidersManager()
    provider = manager.providers["airflow-providers-thalweg"]
    assert provider.version == __version__
    hook = manager.hooks["thalweg"]
    assert hook is not None
    assert hook.hook_name == "Thalweg"
    assert "airflow_providers_thalweg.links.thalweg.ThalwegLink" in manager.extra_links_class_names
    notifications = {name for name in manager.notification if "thalweg" in name}
    assert len(notifications) == 2


def test_what_airflow_is_told_is_what_the_file_says_and_its_schema_allows() -> None:
    told = get_provider_info()
    assert told == yaml.safe_load((HERE.parent / "provider.yaml").read_text())
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(told, schema)


def test_every_class_that_is_named_is_there() -> None:
    import importlib

    told = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for group in told[kind]:
            for module in group["python-modules"]:
                assert importlib.import_module(module)
    for name in [*told["notifications"], *told["extra-links"]]:
        module, _, kind = name.rpartition(".")
        assert getattr(importlib.import_module(module), kind)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"host": "https://thalweg.example/proxied"}, "https://thalweg.example/proxied"),
        ({"host": "thalweg.example"}, "https://thalweg.example:7480"),
        ({"host": "127.0.0.1", "port": 80, "schema": "http"}, "http://127.0.0.1:80"),
        ({"host": "::1", "schema": "http"}, "http://[::1]:7480"),
    ],
)
def test_a_host_is_an_address_or_a_name(given: dict[str, Any], address: str) -> None:
    assert settings(**given).address == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "connection c: host: there is none"),
        ({"host": "a", "extra": {"verfy": True}}, "connection c: extra: verfy is none of engine"),
        ({"host": "a", "extra": {"timeout": "long"}}, "connection c: timeout: 'long' is no number"),
        ({"host": "a", "extra": {"verify": 1}}, "connection c: verify: 1 is neither a file"),
        ({"host": "a", "extra": {"plaintext": "yes"}}, "connection c: plaintext: 'yes' is neither"),
        ({"host": "http://a", "password": "secret"}, "connection c: address: the token would go unencrypted to a"),
    ],
)
def test_what_is_wrong_in_a_connection_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        settings(**given)
    assert "secret" not in str(caught.value)


def settings(**given: Any) -> Any:
    from airflow.providers.common.compat.sdk import Connection

    extra = given.pop("extra", {})
    return settings_of(Connection(conn_id="c", conn_type="thalweg", **given), extra)


def test_a_connection_is_tested_by_whose_token_it_is(shared: Stand, connect: Connecting) -> None:
    connect(shared, "reader")
    hook = ThalwegHook()
    assert hook.test_connection() == (True, "rita: reader")
    assert hook.engine(None) == ENGINE
    assert hook.engine("other") == "other"
    connect(shared, token="wrong")
    good, said = ThalwegHook().test_connection()
    assert not good
    assert "401" in said
    assert "wrong" not in said


def test_an_engine_has_to_be_named_somewhere(shared: Stand, connect: Connecting) -> None:
    connect(shared, engine=None)
    with pytest.raises(SettingError, match="nor in the extra of connection thalweg_default"):
        ThalwegHook().engine(None)


def test_templates_make_texts_of_numbers() -> None:
    operator = ThalwegScaleOperator(task_id="t", topology="words", counts={"split": "4"})  # type: ignore[dict-item]
    assert operator.change() == {"counts": {"split": 4}}
    operator = ThalwegScaleOperator(task_id="t", topology="words", counts={"split": "four"})  # type: ignore[dict-item]
    with pytest.raises(SettingError, match="counts: split: 'four' is no whole number"):
        operator.change()
