"""A wide LightGBM model as the artifact store has it, for the serving figures: made once and kept in the cache.

The training itself is not what is measured here, so that it is LightGBM's own, without our plots and intervals.
"""

import json
import os
import shutil
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
from springtide_workloads.artifacts.manifest import describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.model.folder import FORMAT, SIGNATURE_FILE
from springtide_workloads.model.folder import MODEL_FILE as DOCUMENT
from springtide_workloads.model.golden import GOLDEN_FILE, golden_document
from springtide_workloads.recipes.gbdt import MODEL_FILE as BOOSTER

ROWS, GOLDEN_ROWS = 2_000, 20
SETTINGS = {
    "objective": "binary",
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.1,
    "max_bin": 63,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 1,
}


def publish_model(store: str, *, trees: int, features: int) -> tuple[str, Path]:
    """Publishes the model to a store; its digest, and LightGBM's own file for those who serve that."""
    folder = _folder(trees, features)
    manifest = describe_folder(folder, kind="Model", schema=(), inputs=())
    ArtifactStore(store).publish(folder, manifest=manifest)
    return manifest.digest, folder / BOOSTER


def _folder(trees: int, features: int) -> Path:
    cache = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
    folder = cache / "bench" / "serving" / f"{trees}x{features}"
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    _write(scratch, trees, features)
    scratch.rename(folder)
    return folder


def _write(folder: Path, trees: int, features: int) -> None:
    draw = np.random.default_rng(1)
    values = draw.standard_normal((ROWS, features), dtype=np.float32)
    odds = values[:, : features // 10] @ draw.standard_normal(features // 10)
    target = (draw.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)
    booster = lightgbm.train(SETTINGS, lightgbm.Dataset(values, target), trees)
    booster.save_model(str(folder / BOOSTER))
    names = [f"x{number}" for number in range(features)]
    signature = Signature(
        features=tuple(FeatureSignature(name=name, kind="Number", type="float") for name in names),
        target="defaulted",
        negative="0",
        positive="1",
        wide_numbers=False,
    )
    golden = values[:GOLDEN_ROWS]
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in golden.T.copy()], names=names)
    for name, document in (
        (DOCUMENT, {"format": FORMAT, "recipe": {"name": "gbdt", "parameters": {}}}),
        (SIGNATURE_FILE, signature.to_wire()),
        (GOLDEN_FILE, golden_document(batch, booster.predict(golden))),
    ):
        (folder / name).write_text(json.dumps(document))
