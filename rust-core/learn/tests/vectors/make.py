#!/usr/bin/env python3
"""Makes the vectors beside it with the PyPI wheel xgboost-cpu 3.2.0: models as XGBoost writes them, and what it says of rows.

python3 -m venv target/vectors && target/vectors/bin/pip install xgboost-cpu==3.2.0
target/vectors/bin/python rust-core/learn/tests/vectors/make.py
"""
import json
from pathlib import Path

import numpy as np
import xgboost

HERE = Path(__file__).parent
ROWS, FEATURES = 160, 5


def bits(values):
    return [int(value) for value in np.asarray(values, dtype=np.float32).view(np.uint32)]


def made(seed):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(ROWS, FEATURES)).astype(np.float32) * np.float32(10)
    rows[random.random(rows.shape) < 0.15] = np.nan
    # Values that lie on thresholds.
    rows[:, 4] = np.where(np.isnan(rows[:, 4]), np.nan, np.round(rows[:, 4] / 5))
    known = np.nan_to_num(rows)
    target = known[:, 0] * 2 + np.abs(known[:, 1]) + (known[:, 4] > 1) * 30 + random.normal(size=ROWS)
    return rows, target.astype(np.float32)


def vector(name, seed, parameters, chance=False):
    rows, target = made(seed)
    if chance:
        target = (target > np.median(target)).astype(np.float32)
    train = xgboost.DMatrix(rows[:120], label=target[:120])
    booster = xgboost.train({"max_depth": 4, "nthread": 1, **parameters}, train, 12)
    asked = xgboost.DMatrix(rows[100:])
    found = {
        "made_with": f"xgboost {xgboost.__version__}",
        "rows": [bits(row) for row in rows[100:]],
        "margins": bits(booster.predict(asked, output_margin=True)),
        "predictions": bits(booster.predict(asked)),
        "contributions": booster.predict(asked, pred_contribs=True).astype(float).round(7).tolist(),
        "model": json.loads(booster.save_raw("json")),
    }
    (HERE / f"{name}.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


vector("squared", 1, {"objective": "reg:squarederror", "monotone_constraints": "(1,0,0,0,0)"})
vector("absolute", 2, {"objective": "reg:absoluteerror"})
vector("chance", 3, {"objective": "binary:logistic", "subsample": 0.8}, chance=True)
