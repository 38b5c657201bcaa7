"""What the tests run: a host is left and used again, and a topology paused meanwhile."""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_providers_thalweg.operators.thalweg import (
    ThalwegDrainOperator,
    ThalwegPauseOperator,
    ThalwegResumeOperator,
    ThalwegUndrainOperator,
)
from airflow_providers_thalweg.sensors.thalweg import ThalwegNodeSensor

with DAG(
    "maintenance",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"host": "nobody"},
) as maintenance:
    host = "{{ params.host }}"
    healthy = ThalwegNodeSensor(task_id="healthy", host=host, poke_interval=0.2)
    drain = ThalwegDrainOperator(task_id="drain", host=host, poll_interval=0.2, deferrable=True)
    undrain = ThalwegUndrainOperator(task_id="undrain", host=host)
    pause = ThalwegPauseOperator(task_id="pause", topology="words", duration=timedelta(hours=1))
    resume = ThalwegResumeOperator(task_id="resume", topology="words", paused_by="pause")
    healthy >> drain >> undrain >> pause >> resume
