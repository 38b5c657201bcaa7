"""What the tests run: a Dag that follows what Thalweg has done. Only Airflow 3 has watchers of assets."""

from datetime import UTC, datetime

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

if AIRFLOW_V_3_0_PLUS:
    from airflow.sdk import DAG, Asset, AssetWatcher, task

    from airflow_providers_thalweg.triggers.thalweg import ThalwegEventTrigger

    carried_out = Asset(
        "orders_carried_out",
        watchers=[
            AssetWatcher(
                name="orders",
                trigger=ThalwegEventTrigger(
                    engine="storm", topology="words", kind="order", result="done", poll_interval=0.2
                ),
            )
        ],
    )

    with DAG("follows", schedule=[carried_out], start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False) as follows:

        @task
        def told(**context) -> str:  # type: ignore[no-untyped-def]
            """What the event has told."""
            (event,) = context["triggering_asset_events"][carried_out]
            return str(event.extra["payload"]["name"])

        told()
