"""A planned workflow, written by `thalweg workflow render`: change the workflow's file and render it anew.

Run as they ran before, all ends after 255 s and costs 0.0119 EUR; with each task's default after 420 s and 0.0127.
A task also waits for those whose room in the cluster it takes over, so that no more is held at once than there is.
"""

from datetime import datetime, timezone

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator

with DAG(
    "golden_planned",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
) as dag:
    nightly__extract = BashOperator(
        task_id="nightly__extract",
        bash_command="echo \"extract $THALWEG_CONFIGURATION\" >> \"$OUT\"",
        env={"THALWEG_CONFIGURATION": "large"},
        append_env=True,
        priority_weight=5,
        weight_rule="absolute",
    )
    hourly__count = BashOperator(
        task_id="hourly__count",
        bash_command="echo \"count\" >> \"$OUT\"",
        env={"THALWEG_CONFIGURATION": "only"},
        append_env=True,
        priority_weight=4,
        weight_rule="absolute",
    )
    nightly__clean_up = BashOperator(
        task_id="nightly__clean_up",
        bash_command="{{ \"echo 'clean-up {{ ds }}' >> \\\"$OUT\\\"\" }}",
        env={"THALWEG_CONFIGURATION": "only"},
        append_env=True,
        priority_weight=3,
        weight_rule="absolute",
    )
    nightly__report = BashOperator(
        task_id="nightly__report",
        bash_command="echo report >> \"$OUT\"",
        env={"THALWEG_CONFIGURATION": "small"},
        append_env=True,
        priority_weight=2,
        weight_rule="absolute",
    )
    hourly__tell = BashOperator(
        task_id="hourly__tell",
        bash_command="echo \"tell \\\"all\\\"\" >> \"$OUT\"",
        env={"THALWEG_CONFIGURATION": "only"},
        append_env=True,
        priority_weight=1,
        weight_rule="absolute",
    )
    nightly__extract >> hourly__count  # takes over its room
    nightly__extract >> nightly__clean_up
    hourly__count >> nightly__clean_up  # takes over its room
    nightly__extract >> nightly__report
    hourly__count >> nightly__report  # takes over its room
    hourly__count >> hourly__tell
    nightly__clean_up >> hourly__tell  # takes over its room
