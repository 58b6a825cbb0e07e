# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference data: item banks in the columns of catR, as items of the protocol."""

import csv
import os

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(TESTS, "golden")
# Published banks that are not in this tree, used where they are present beside it.
PUBLISHED = os.path.join(os.path.dirname(TESTS), "..", "shared", "banks")


def rows(*path):
    """The rows of a CSV file, as maps."""
    with open(os.path.join(*path), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def item_id(number):
    return f"i{number}"


def logistic_item(row, model):
    keys = {"1PL": "b", "2PL": "ab", "3PL": "abc", "4PL": "abcd"}[model]
    return {"id": item_id(row["item"]), "model": model, **{key: float(row[key]) for key in keys}}


# catR's columns by the keys of items: of a number its name, of a list what comes before 1, 2, ..
COLUMNS = {
    "GRM": {"a": "alphaj", "b": ["betaj"]},
    "MGRM": {"a": "alphaj", "b": "bj", "steps": ["c"]},
    "GPCM": {"a": "alphaj", "b": ["deltaj"]},
    "PCM": {"b": ["deltaj"]},
    "RSM": {"b": "lambdaj", "steps": ["delta"]},
    "NRM": {"a": ["alpha"], "c": ["c"]},
}


def step_item(row, model):
    """An item of several categories; an empty cell is no category."""
    item = {"id": item_id(row["item"]), "model": model}
    for key, column in COLUMNS[model].items():
        if isinstance(column, str):
            item[key] = float(row[column])
        else:
            cells = (row.get(f"{column[0]}{n}") for n in range(1, len(row)))
            item[key] = [float(cell) for cell in cells if cell]
    return item


def items_of(table, model):
    make = logistic_item if model.endswith("PL") else step_item
    return [make(row, model) for row in table]


def bank_items(name, model):
    """The items of a bank in golden/banks."""
    return items_of(rows(GOLDEN, "banks", f"{name}.csv"), model)


def published_rows(name):
    """The rows of a published bank, None where it is not present."""
    path = os.path.join(PUBLISHED, f"{name}.csv")
    return rows(path) if os.path.exists(path) else None
