#!/usr/bin/env python3
"""Makes failures.csv of what dos-group/khaos published: python3 derive.py FOLDER >failures.csv

FOLDER holds the published list of failures (iot-failures.txt) and, for each run, one value a second of throughput and
consumer lag (iot_thr_RUN.csv.gz, iot_con_RUN.csv.gz). Needs nothing but Python 3.9.

Of each failure the list tells mean throughput and latency before it and how long the recovery took. When it was, it does not
tell. A failure is found in the run where throughput falls below three tenths within three seconds; of those the one whose mean
throughput in the five minutes before is nearest, and at most 2 % away, is taken, and lag is the median of the two minutes
before it. Where none is near, lag is missing. The interval of the run `optimized` changed while it ran, and is missing.
"""
import gzip
import re
import statistics
import sys
from pathlib import Path

LINE = re.compile(r"jobId='(\w+)', avgThr=([\d.]+), avgLat=([\d.]+), recTime=([\d.]+)")


def series(path):
    found = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            second, _, value = line.strip().partition("|")
            if second.isdigit() and value:
                found[int(second)] = float(value)
    return found


def within(values, begin, end):
    return [values[at] for at in range(begin, end) if at in values]


def drops(throughput, lag):
    """Mean throughput and median lag before each fall of throughput."""
    found, at, last = [], 300, max(throughput)
    while at < last:
        before, now = within(throughput, at - 60, at), within(throughput, at, at + 3)
        usual = statistics.median(before) if before else 0.0
        if usual > 150 and now and min(now) < 0.3 * usual:
            long, lags = within(throughput, at - 300, at), within(lag, at - 120, at - 5)
            if lags:
                found.append((statistics.fmean(long), statistics.median(lags)))
            at += 120
        at += 1
    return found


def main(folder):
    failures = LINE.findall((folder / "iot-failures.txt").read_text())
    print("run,throughput/1/s,latency/ms,lag,interval/s,recovery/s")
    falls = {}
    for job, throughput, latency, took in failures:
        run = "optimized" if job == "vehicles" else job.removeprefix("iot_")
        if run not in falls:
            falls[run] = drops(*(series(folder / f"iot_{kind}_{run}.csv.gz") for kind in ("thr", "con")))
        rate = float(throughput)
        near = [fall for fall in falls[run] if abs(fall[0] / rate - 1) <= 0.02]
        nearest = min(near, key=lambda fall: abs(fall[0] - rate), default=None)
        lag = f"{nearest[1]:.0f}" if nearest else ""
        interval = f"{int(run) // 1000}" if run.isdigit() else ""
        print(f"{interval or run},{rate:.1f},{float(latency):.1f},{lag},{interval},{float(took):.0f}")


main(Path(sys.argv[1]))
