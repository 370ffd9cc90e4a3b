"""From the API models to everything that repeats them: CRDs, the API reference, and the chart's copies.

The models are the only source. Nothing that is generated is edited by hand, and `springtide-crdgen --check` fails where
a committed file differs from what the models say.
"""
