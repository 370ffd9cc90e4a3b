"""Drawings: what a person reads below the bars."""

import numpy as np
from springtide_workloads.drift.bins import ColumnCounts, NumberBins
from springtide_workloads.drift.charts import overlay


def test_bins_are_labelled_as_people_write_numbers():
    bins = NumberBins(edges=(11_550.4, 154_800.0), min=0.1245, max=2e6)
    reference = ColumnCounts(name="income", bins=bins, counts=(0, 0, 0, 4, 4, 4, 0))
    labels = [bar.label for bar in overlay(reference, np.array([0, 0, 0, 4, 4, 4, 1])).bars]
    assert labels == ["0.1245 to 11,550", "11,550 to 154,800", "154,800 to 2e+06", "> 2e+06"]
