"""Runs in a pod: sends days of people to a ModelService, each day with its own event time.

    python replay.py URL MODEL FOLDER DAYS

FOLDER has Parquet files with the model's features. DAYS is JSON: `[{"date", "rows", "older", "scale", "null",
"contradicted"}]`; of a day `rows` people are drawn, only those of at least `older` years; columns of `scale` are
multiplied, those of `null` sent without values. Of a day that is `contradicted` the labels are written beside FOLDER,
to `outcomes`: each says the opposite of what is true. The last line that it prints says how many rows were answered.
"""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

ROWS = 200
TARGET = "employed"


def people(folder: str, columns: list[str], day: dict[str, Any], *, seed: int) -> pa.Table:
    """The people of a day."""
    table = pads.dataset(folder).to_table(columns=columns)
    table = table.filter(pc.field("age") >= day.get("older", 0))
    chosen = np.random.default_rng(seed).choice(table.num_rows, day["rows"])
    table = table.take(chosen)
    for name, factor in day.get("scale", {}).items():
        table = table.set_column(table.schema.get_field_index(name), name, pc.multiply(table[name], factor))
    for name in day.get("null", ()):
        empty = pa.nulls(table.num_rows, table.schema.field(name).type)
        table = table.set_column(table.schema.get_field_index(name), name, empty)
    return table


def contradict(people: pa.Table, *, date: str, folder: Path) -> None:
    """Writes down what the people of a day did not do."""
    keys = [f"{date}-{number // ROWS}/{number % ROWS}" for number in range(people.num_rows)]
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"request_id": keys, TARGET: pc.invert(people[TARGET])}), folder / f"{date}.parquet")


def body(features: list[dict[str, Any]], rows: pa.Table, *, date: str) -> dict[str, Any]:
    """One request."""
    inputs = []
    for feature in features:
        values = rows.column(feature["name"]).to_pylist()
        if feature["datatype"] != "BYTES":
            values = [None if value is None else float(value) for value in values]
        inputs.append(
            {"name": feature["name"], "datatype": feature["datatype"], "shape": [len(values)], "data": values}
        )
    return {"parameters": {"event_time": f"{date}T12:00:00Z"}, "inputs": inputs}


def main(url: str, model: str, folder: str, days: str) -> None:
    sent = 0
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        features = client.get(f"/v2/models/{model}").raise_for_status().json()["inputs"]
        for seed, day in enumerate(json.loads(days)):
            date, columns = day["date"], [feature["name"] for feature in features]
            table = people(folder, [*columns, TARGET], day, seed=seed)
            if day.get("contradicted"):
                contradict(table, date=date, folder=Path(folder).parent / "outcomes")
            for start in range(0, table.num_rows, ROWS):
                request = body(features, table.slice(start, ROWS), date=date)
                if day.get("contradicted"):
                    request["id"] = f"{date}-{start // ROWS}"
                client.post(f"/v2/models/{model}/infer", json=request).raise_for_status()
                sent += len(request["inputs"][0]["data"])
    print(sent, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
