"""What a person writes who trains LightGBM by hand: the peer of the recipe `gbdt`.

plain_lightgbm.py FOLDER PARAMETERS OUT
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

folder, parameters, out = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
table = pq.read_table(folder)
target = table["defaulted"].to_numpy()
names = [name for name in table.column_names if name != "defaulted"]
features = np.column_stack([table[name].to_numpy() for name in names])
del table
draw = np.random.default_rng(7)
part = draw.random(len(target))
test, validation = part < 0.2, (part >= 0.2) & (part < 0.22)
training = ~(test | validation)
rounds = parameters.pop("rounds")
settings = {
    "objective": "binary",
    "metric": "binary_logloss",
    "deterministic": True,
    "force_row_wise": True,
    **parameters,
}
data = lightgbm.Dataset(features[training], target[training])
watched = lightgbm.Dataset(features[validation], target[validation], reference=data)
booster = lightgbm.train({**settings, "verbosity": -1, "seed": 7}, data, rounds, valid_sets=[watched])
scores = booster.predict(features[test])
booster.save_model(str(out / "model.txt"))
print(roc_auc_score(target[test], scores))
