"""A planned workflow, written by `thalweg workflow render`: change the workflow's file and render it anew.

Run as they ran before, all ends after 255 s and costs 0.0119 EUR; with each task's default after 420 s and 0.0127.
A task also waits for those whose room in the cluster it takes over, so that no more is held at once than there is.
"""

import os
import subprocess

import dagster as dg


def run(command: str, configuration: str) -> None:
    """Runs a command; the step fails where it does."""
    subprocess.run(
        ["bash", "-c", command], check=True, env={**os.environ, "THALWEG_CONFIGURATION": configuration}
    )


@dg.op(out=dg.Out(dg.Nothing), tags={"dagster/priority": "5"})
def nightly__extract() -> None:
    run("echo \"extract $THALWEG_CONFIGURATION\" >> \"$OUT\"", "large")


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={"dagster/priority": "4"})
def hourly__count() -> None:
    run("echo \"count\" >> \"$OUT\"", "only")


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={"dagster/priority": "3"})
def nightly__clean_up() -> None:
    run("echo 'clean-up {{ ds }}' >> \"$OUT\"", "only")


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={"dagster/priority": "2"})
def nightly__report() -> None:
    run("echo report >> \"$OUT\"", "small")


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={"dagster/priority": "1"})
def hourly__tell() -> None:
    run("echo \"tell \\\"all\\\"\" >> \"$OUT\"", "only")


@dg.job(name="golden_planned")
def job() -> None:
    nightly__extract_done = nightly__extract()
    hourly__count_done = hourly__count(after=[nightly__extract_done])  # takes over the room of nightly__extract
    nightly__clean_up_done = nightly__clean_up(after=[nightly__extract_done, hourly__count_done])  # takes over the room of hourly__count
    nightly__report_done = nightly__report(after=[nightly__extract_done, hourly__count_done])  # takes over the room of hourly__count
    hourly__tell_done = hourly__tell(after=[hourly__count_done, nightly__clean_up_done])  # takes over the room of nightly__clean_up


defs = dg.Definitions(jobs=[job])
