"""What a person writes who trains a network by hand: the peer of the recipe `mlp`.

plain_torch.py FOLDER PARAMETERS OUT
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

folder, parameters, out = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
torch.manual_seed(7)
torch.use_deterministic_algorithms(mode=True)
table = pq.read_table(folder)
target = torch.from_numpy(table["defaulted"].to_numpy().astype(np.float32))
names = [name for name in table.column_names if name != "defaulted"]
features = np.column_stack([table[name].to_numpy() for name in names])
del table
part = np.random.default_rng(7).random(len(features))
test, validation = part < 0.2, (part >= 0.2) & (part < 0.22)
training = ~(test | validation)
missing = np.isnan(features[:, :1]).astype(np.float32)
mean, scale = np.nanmean(features[training], axis=0), np.nanstd(features[training], axis=0)
features = np.hstack([np.nan_to_num((features - mean) / scale), missing])
inputs = torch.from_numpy(features[training])
labels = target[training]

layers: list[nn.Module] = []
width = features.shape[1]
for size in parameters["hidden"]:
    layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(0.1)]
    width = size
network = nn.Sequential(*layers, nn.Linear(width, 1))
optimizer = torch.optim.AdamW(network.parameters(), lr=0.001, weight_decay=0.01)
for _ in range(parameters["epochs"]):
    network.train()
    order = torch.randperm(len(labels))
    for start in range(0, len(labels), parameters["batch"]):
        index = order[start : start + parameters["batch"]]
        loss = nn.functional.binary_cross_entropy_with_logits(network(inputs[index]).squeeze(1), labels[index])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type here
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        watched = network(torch.from_numpy(features[validation])).squeeze(1)
        nn.functional.binary_cross_entropy_with_logits(watched, target[validation])
with torch.inference_mode():
    scores = torch.sigmoid(network(torch.from_numpy(features[test])).squeeze(1))
torch.save(network.state_dict(), out / "model.pt")
print(roc_auc_score(target[test].numpy(), scores.numpy()))
