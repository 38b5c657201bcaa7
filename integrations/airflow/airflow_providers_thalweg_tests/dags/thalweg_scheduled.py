"""What the tests run: Dags that declare what their runs bring."""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_providers_thalweg.peaks import load

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BRINGS = {"thalweg": load(topology="words", work=500, minutes=30, counts={"split": 6})}

hourly = DAG("hourly_load", schedule="0 * * * *", start_date=BEGIN, catchup=False, params=BRINGS)
by_hand = DAG("load_by_hand", schedule=None, start_date=BEGIN, catchup=False, params=BRINGS)
wrong = DAG(
    "wrong_load", schedule="0 * * * *", start_date=BEGIN, catchup=False, params={"thalweg": {"topology": "words"}}
)
