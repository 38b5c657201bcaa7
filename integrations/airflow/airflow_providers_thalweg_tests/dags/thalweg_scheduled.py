"""What the tests run: Dags that declare what their runs bring."""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_providers_thalweg.peaks import load

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
BRINGS = {"thalweg": load(topology="words", work=500, minutes=30, counts={"split": 6})}

hourly = DAG("hourly_load", schedule="0 * * * *", start_date=BEGIN, catchup=False, params=BRINGS)
by_hand = DAG("load_by_hand", schedule=None, start_date=BEGIN, catchup=False, params=BRINGS)
# Its interval is longer than any month, and over in two hours.
rare = DAG("rare_load", schedule=timedelta(days=45), start_date=SOON - timedelta(days=45), catchup=True, params=BRINGS)
number = DAG("number_load", schedule="0 * * * *", start_date=BEGIN, catchup=False, params={"thalweg": 5})
wrong = DAG(
    "wrong_load", schedule="0 * * * *", start_date=BEGIN, catchup=False, params={"thalweg": {"topology": "words"}}
)
