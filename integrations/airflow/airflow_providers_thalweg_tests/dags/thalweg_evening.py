"""What the tests run: with tasks that wait in workers, and with tasks that are deferred."""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_providers_thalweg.operators.thalweg import ThalwegScaleOperator
from airflow_providers_thalweg.sensors.thalweg import ThalwegLagSensor, ThalwegRoomSensor, ThalwegStableSensor


def evening(name: str, deferrable: bool) -> DAG:
    """Scales a topology, and waits until it has caught up."""
    with DAG(name, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False) as dag:
        scale = ThalwegScaleOperator(
            task_id="scale",
            topology="words",
            counts={"split": "{{ 2 + 2 }}"},  # type: ignore[dict-item]
            deferrable=deferrable,
            poll_interval=0.2,
        )
        low = ThalwegLagSensor(
            task_id="low", topology="words", limit=1000, deferrable=deferrable, poke_interval=0.2, timeout=240
        )
        stable = ThalwegStableSensor(
            task_id="stable", topology="words", deferrable=deferrable, poke_interval=0.2, timeout=240
        )
        room = ThalwegRoomSensor(
            task_id="room", topology="words", more=0.1, deferrable=deferrable, poke_interval=0.2, timeout=240
        )
        scale >> low >> stable >> room
    return dag


here = evening("evening_here", deferrable=False)
deferred = evening("evening_deferred", deferrable=True)
