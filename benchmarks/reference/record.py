"""Numbers measured with several seeds, as JSON: each value, and mean and spread of all."""

import json
from pathlib import Path

import numpy as np


def write(path, seeds, runs, **about):
    """``runs`` are dicts {name: number}, one for every seed; returns what is written.

    One run has no spread: None.
    """
    values = {name: [round(float(run[name]), 6) for run in runs] for name in runs[0]}
    record = {
        "seeds": list(seeds),
        "values": values,
        "mean": {name: round(float(np.mean(v)), 6) for name, v in values.items()},
        "std": {name: spread(v) for name, v in values.items()},
        **about,
    }
    Path(path).write_text(json.dumps(record, indent=2) + "\n")
    return record


def spread(values):
    return round(float(np.std(values, ddof=1)), 6) if len(values) > 1 else None
