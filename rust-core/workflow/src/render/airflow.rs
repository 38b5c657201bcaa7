//! A file for Airflow 2.11 and 3.

use super::python::{Step, quoted};

/// What finds its classes in either Airflow. A start date is asked for, and plays no part without a schedule.
const IMPORTS: &str = r#"
from datetime import datetime, timezone

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator

"#;

pub(super) fn file(name: &str, head: &str, steps: &[Step]) -> String {
    let mut text = format!("{head}{IMPORTS}");
    text += &format!(
        "with DAG(\n    {},\n    schedule=None,\n    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),\n    catchup=False,\n) as dag:\n",
        quoted(name)
    );
    for step in steps {
        text += &format!("    {} = BashOperator(\n", step.name);
        text += &format!("        task_id={},\n", quoted(&step.name));
        text += &format!("        bash_command={},\n", quoted(&unrendered(&step.command)));
        text += &format!(
            "        env={{\"THALWEG_CONFIGURATION\": {}}},\n        append_env=True,\n",
            quoted(&step.configuration)
        );
        text += &format!(
            "        priority_weight={},\n        weight_rule=\"absolute\",\n    )\n",
            step.priority
        );
    }
    for step in steps {
        for before in &step.after {
            text += &format!("    {before} >> {}\n", step.name);
        }
        for before in &step.room {
            text += &format!("    {before} >> {}  # takes over its room\n", step.name);
        }
    }
    text
}

/// A command that Airflow leaves as it is: it takes what has braces for a template, and what ends with the name of a script
/// for the file of one.
fn unrendered(command: &str) -> String {
    let is_template = ["{{", "{%", "{#"].iter().any(|sign| command.contains(sign));
    let is_script = [".sh", ".bash"].iter().any(|end| command.ends_with(end));
    if is_template || is_script {
        format!("{{{{ {} }}}}", quoted(command))
    } else {
        command.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_airflow_would_take_for_a_template_or_a_file_is_a_text_in_one() {
        assert_eq!(unrendered("echo ${HOME}"), "echo ${HOME}");
        assert_eq!(unrendered("echo {{ ds }}"), r#"{{ "echo {{ ds }}" }}"#);
        assert_eq!(unrendered("./load.sh"), r#"{{ "./load.sh" }}"#);
    }
}
