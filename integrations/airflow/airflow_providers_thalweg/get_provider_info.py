"""What Airflow is told of this provider. ``provider.yaml`` says the same for people and tools."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider as Airflow knows it."""
    package = "airflow_providers_thalweg"

    def modules(kind: str, *names: str) -> list[dict[str, Any]]:
        named = [f"{package}.{kind}.{name}" for name in ("thalweg", *names)]
        return [{"integration-name": "Thalweg", "python-modules": named}]

    def field(label: str, kinds: list[str], description: str, **more: Any) -> dict[str, Any]:
        return {"label": label, "description": description, "schema": {"type": kinds, **more}}

    return {
        "package-name": "airflow-providers-thalweg",
        "name": "Thalweg",
        "description": "Thalweg, an elastic scheduler for Apache Storm and Apache Flink",
        "integrations": [{"integration-name": "Thalweg", "tags": ["service"]}],
        "hooks": modules("hooks"),
        "operators": modules("operators", "placement", "patience"),
        "sensors": modules("sensors"),
        "triggers": modules("triggers", "placement"),
        "notifications": [
            f"{package}.notifications.thalweg.ThalwegPauseNotifier",
            f"{package}.notifications.thalweg.ThalwegResumeNotifier",
        ],
        "extra-links": [f"{package}.links.thalweg.ThalwegLink"],
        "connection-types": [
            {
                "connection-type": "thalweg",
                "hook-class-name": f"{package}.hooks.thalweg.ThalwegHook",
                "hook-name": "Thalweg",
                "ui-field-behaviour": {
                    "hidden-fields": ["login"],
                    "relabeling": {"host": "Address", "password": "Token", "schema": "http or https"},
                    "placeholders": {"host": "https://thalweg.example:7480"},
                },
                "conn-fields": {
                    "engine": field("Engine", ["string", "null"], "The engine that is meant where none is named"),
                    "verify": field(
                        "Authorities",
                        ["string", "boolean", "null"],
                        "A file with the authorities that sign the server's certificate",
                    ),
                    "timeout": field(
                        "Timeout", ["number", "null"], "Seconds that each part of an answer may take", default=15
                    ),
                    "plaintext": field(
                        "Token unencrypted",
                        ["boolean", "null"],
                        "Whether the token may go unencrypted to another machine",
                        default=False,
                    ),
                    "dashboard": field(
                        "Dashboard", ["string", "null"], "Where people find the dashboard, if not at the address"
                    ),
                },
            }
        ],
    }
