"""Writes two-dags.yaml: two DAGs of Spark-like jobs with made-up past runs, in the setting of AGORA (arXiv 2202.05711).

The run times behind the results of that paper are not known here, so these follow the universal scalability law: n
machines take T (1 + s (n - 1) + k n (n - 1)) / n, s being what cannot be shared out and k what sharing out costs. A job
is bound by processors, by memory, or by neither, and machines of three kinds suit that more or less. Three runs of each
configuration lie up to 6 % apart. Prices are those that AWS has asked for such machines by the hour.
"""

from pathlib import Path

MACHINES = {  # cores, memory in GiB, price for an hour
    "m5": (16, 64, 0.768),
    "c5": (16, 32, 0.680),
    "r5": (16, 128, 1.008),
}
SPEED = {  # of a kind of machine, by what a job is bound by
    "neither": {"m5": 1.0, "c5": 1.1, "r5": 1.0},
    "processors": {"m5": 1.0, "c5": 1.3, "r5": 1.02},
    "memory": {"m5": 1.0, "c5": 0.55, "r5": 1.45},
}
COUNTS = [1, 2, 4, 8]
DEFAULT = "m5x4"
JOBS = {  # seconds on one m5, s, k, what it is bound by, what it is after
    "first": {
        "ingest": (900, 0.10, 0.004, "neither", []),
        "clean": (1400, 0.06, 0.002, "processors", ["ingest"]),
        "index": (2600, 0.04, 0.002, "processors", ["clean"]),
        "sentiment": (3200, 0.03, 0.001, "processors", ["clean"]),
        "join": (1800, 0.12, 0.006, "memory", ["index", "sentiment"]),
        "report": (400, 0.40, 0.010, "neither", ["join"]),
    },
    "second": {
        "load": (1200, 0.15, 0.008, "neither", []),
        "delays": (2200, 0.05, 0.003, "processors", ["load"]),
        "recommend": (4200, 0.08, 0.004, "memory", ["load"]),
        "statistics": (700, 0.25, 0.010, "neither", ["load"]),
        "train": (3000, 0.10, 0.003, "processors", ["delays", "recommend"]),
        "score": (900, 0.20, 0.006, "memory", ["train"]),
        "publish": (300, 0.50, 0.020, "neither", ["score", "statistics"]),
    },
}
HEAD = """# Two DAGs of Spark-like jobs with made-up past runs: see derive.py, which writes this.
alpha: 0.5
currency: USD
resources: {cores: 256, memory_gib: 1024}
dags:
"""


def seconds(job: tuple, kind: str, count: int) -> float:
    """What the law says."""
    alone, share, crosstalk, bound, _after = job
    grown = 1 + share * (count - 1) + crosstalk * count * (count - 1)
    return alone * grown / count / SPEED[bound][kind]


def main() -> None:
    """Writes the file beside this one."""
    lines = [HEAD]
    for dag, jobs in JOBS.items():
        lines.append(f"  {dag}:\n")
        for name, job in jobs.items():
            lines.append(f"    {name}:\n")
            lines.append(f"      run: spark-submit {dag}/{name}.py\n")
            if job[4]:
                lines.append(f"      after: [{', '.join(job[4])}]\n")
            lines.append(f"      default: {DEFAULT}\n      configurations:\n")
            for kind, (cores, memory, price) in MACHINES.items():
                for count in COUNTS:
                    took = seconds(job, kind, count)
                    # One as the law says, one faster and one slower, by what depends on the job and looks like chance.
                    off = 0.01 + 0.03 * ((len(name) * 7 + count * 3 + len(kind)) % 10) / 10
                    runs = [took, took * (1 - off / 2), took * (1 + off)]
                    told = ", ".join(f"{{seconds: {run:.1f}, cost: {run * count * price / 3600:.5f}}}" for run in runs)
                    lines.append(f"        {kind}x{count}:\n")
                    lines.append(f"          uses: {{cores: {cores * count}, memory_gib: {memory * count}}}\n")
                    lines.append(f"          runs: [{told}]\n")
    Path(__file__).with_name("two-dags.yaml").write_text("".join(lines))


if __name__ == "__main__":
    main()
