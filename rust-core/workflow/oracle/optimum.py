"""Holds plans against the exact optimum, which OR-Tools' CP-SAT finds in its own way: optimum.py PERCENT SECONDS.

In: lines of the example `drawn` on standard input. Out: what was found as JSON on standard output, and the worst on the
error channel. Ends with 1 where a plan is not one, or is so many per cent further from the optimum; the other
has so many seconds for each.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from typing import Any

from ortools.sat.python import cp_model

# The objective is a sum of fractions, and the solver wants whole numbers: what is lost is below a thousandth of a per
# cent.
SCALE = 10**9


def optimum(problem: dict[str, Any], default: dict[str, Any], seconds: float) -> tuple[float, bool]:
    """The best value that the solver finds in that time, and whether it has proved it."""
    model = cp_model.CpModel()
    tasks = problem["tasks"]
    # Lengths in the largest unit that all are whole numbers of, as small domains are searched faster.
    unit = math.gcd(*(mode["length"] for task in tasks for mode in task["modes"]))
    horizon = sum(max(mode["length"] for mode in task["modes"]) for task in tasks) // unit
    starts = [model.new_int_var(0, horizon, f"start {at}") for at in range(len(tasks))]
    ends = [model.new_int_var(0, horizon, f"end {at}") for at in range(len(tasks))]
    intervals: list[Any] = []
    needs: list[list[int]] = []
    costs: list[Any] = []
    for at, task in enumerate(tasks):
        chosen = []
        for way, mode in enumerate(task["modes"]):
            taken = model.new_bool_var(f"task {at} in way {way}")
            interval = model.new_optional_interval_var(starts[at], mode["length"] // unit, ends[at], taken, f"{at} {way}")
            intervals.append(interval)
            needs.append(mode["needs"])
            costs.append((taken, mode["cost"]))
            chosen.append(taken)
        model.add_exactly_one(chosen)
        for before in task["after"]:
            model.add(starts[at] >= ends[before])
    for kind, capacity in enumerate(problem["capacity"]):
        model.add_cumulative(intervals, [need[kind] for need in needs], capacity)
    makespan = model.new_int_var(0, horizon, "makespan")
    model.add_max_equality(makespan, ends)
    alpha = problem["alpha"]
    per_time = round(alpha / default["makespan"] * unit * SCALE)
    per_cost = (1 - alpha) / default["cost"] * SCALE
    model.minimize(per_time * makespan + sum(round(cost * per_cost) * taken for taken, cost in costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE), solver.status_name(status)
    cost = sum(cost for taken, cost in costs if solver.value(taken))
    value = alpha * solver.value(makespan) * unit / default["makespan"] + (1 - alpha) * cost / default["cost"]
    return value, status == cp_model.OPTIMAL


def fault(problem: dict[str, Any], plan: dict[str, Any]) -> str | None:
    """What is wrong with a plan, if anything, told apart from all that made it."""
    tasks, starts = problem["tasks"], plan["starts"]
    modes = [task["modes"][mode] for task, mode in zip(tasks, plan["modes"], strict=True)]
    ends = [start + mode["length"] for start, mode in zip(starts, modes, strict=True)]
    for at, task in enumerate(tasks):
        if any(ends[before] > starts[at] for before in task["after"]):
            return f"task {at} starts too early"
    for now in starts:
        for kind, capacity in enumerate(problem["capacity"]):
            running = [mode for at, mode in enumerate(modes) if starts[at] <= now < ends[at]]
            if sum(mode["needs"][kind] for mode in running) > capacity:
                return f"too much of resource {kind} at {now}"
    if max(ends) != plan["makespan"] or sum(mode["cost"] for mode in modes) != plan["cost"]:
        return "it says another makespan or cost than it has"
    return None


def judged(line: dict[str, Any], seconds: float) -> dict[str, Any]:
    """One problem: what was found beside what there is."""
    problem, default, plan = line["problem"], line["default"], line["plan"]
    for outcome in (default, plan):
        wrong = fault(problem, outcome)
        assert wrong is None, f"{line['name']}: {wrong}"
    value, proved = optimum(problem, default, seconds)
    return {
        "name": line["name"],
        "tasks": len(problem["tasks"]),
        "alpha": problem["alpha"],
        "plan": plan["value"],
        "optimum": value,
        "makespan_percent_of_default": plan["makespan"] / default["makespan"] * 100,
        "cost_percent_of_default": plan["cost"] / default["cost"] * 100,
        "proved_by_oracle": proved,
        "proved_here": line["best"],
        "percent_above": (plan["value"] / value - 1) * 100,
        "gap_percent": line["gap_percent"],
        "steps": line["steps"],
    }


def main() -> int:
    """Judges all lines."""
    allowed, seconds = float(sys.argv[1]), float(sys.argv[2])
    found = [judged(json.loads(line), seconds) for line in sys.stdin]
    above = [one["percent_above"] for one in found]
    summary = {
        "plans": len(found),
        "first": found[0]["name"],
        "last": found[-1]["name"],
        "proved_by_oracle": sum(one["proved_by_oracle"] for one in found),
        "proved_here": sum(one["proved_here"] for one in found),
        "worst_percent_above": max(above),
        "mean_percent_above": statistics.fmean(above),
        "not_above_oracle": sum(percent < 0.001 for percent in above),
        "mean_value": statistics.fmean(one["plan"] for one in found),
    }
    json.dump({"summary": summary, "plans": found}, sys.stdout)
    print()
    print(json.dumps(summary, indent=1), file=sys.stderr)
    false = [one["name"] for one in found if one["proved_here"] and one["percent_above"] > 0.01]
    far = [one["name"] for one in found if one["percent_above"] > allowed]
    print(f"beyond {allowed} %: {far}; said to be the best and are not: {false}", file=sys.stderr)
    return 1 if far or false else 0


if __name__ == "__main__":
    sys.exit(main())
