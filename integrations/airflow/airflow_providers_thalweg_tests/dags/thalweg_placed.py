"""What the tests run: a task that goes where there is room, and one whose failure waits for its cause to pass."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_providers_thalweg.operators.patience import patient
from airflow_providers_thalweg.operators.placement import ThalwegPlacementOperator

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Replay(BaseOperator):
    """Replays as much as it is told."""

    template_fields = ("factor",)

    def __init__(self, *, factor: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def execute(self, context: Any) -> float:
        return float(self.factor)


def placed(name: str, deferrable: bool) -> DAG:
    """Replays at one of two topologies, once one of them has room."""
    with DAG(name, schedule=None, start_date=BEGIN, catchup=False, params={"elsewhere": "thalweg_default"}) as dag:
        place = ThalwegPlacementOperator(
            task_id="place",
            candidates=[
                {"task": "here", "topology": "words", "work": "{{ 40 + 10 }}", "counts": {"split": 8}},
                {"task": "there", "topology": "words", "work": 50, "connection": "{{ params.elsewhere }}"},
            ],
            deferrable=deferrable,
            poll_interval=0.2,
            timeout=240,
        )
        factor = "{{ ti.xcom_pull('place', key='factor') }}"
        place >> [Replay(task_id="here", factor=factor), Replay(task_id="there", factor=factor)]
    return dag


here = placed("placed_here", deferrable=False)
deferred = placed("placed_deferred", deferrable=True)


class FailsOnce(BaseOperator):
    """Fails for as long as a file is there, and takes it away."""

    template_fields = ("marker",)

    def __init__(self, *, marker: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.marker = marker

    def execute(self, context: Any) -> int:
        marker = Path(self.marker)
        if marker.exists():
            marker.unlink()
            raise ConnectionError("the topology takes nothing")
        tries: int = context["ti"].try_number
        return tries


with DAG("patiently", schedule=None, start_date=BEGIN, catchup=False, params={"marker": "", "limit": 120}) as patiently:
    patient(
        FailsOnce(task_id="replay", marker="{{ params.marker }}", retries=0),
        topology="words",
        limit=120,
        poll_interval=0.2,
    )
