"""The stock way to serve LightGBM with the KServe SDK: the peer of our server.

The same calls as in KServe's own server for LightGBM, which is in no package registry: a `kserve.Model` whose `predict`
hands what the SDK makes of the request to the booster.

stock_kserve.py MODEL PORT
"""

import sys
from typing import Any

import kserve
import lightgbm
from kserve.errors import InferenceError
from kserve.utils.utils import get_predict_input, get_predict_response

MODEL, PORT = sys.argv[1], int(sys.argv[2])


class LightGbm(kserve.Model):  # type: ignore[misc]  # KServe has no types
    def load(self) -> bool:
        self.booster = lightgbm.Booster(params={"nthread": 1}, model_file=MODEL)
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None) -> Any:  # noqa: ARG002  # the interface
        try:
            instances = get_predict_input(payload, columns=self.booster.feature_name())
            return get_predict_response(payload, self.booster.predict(instances), self.name)
        except Exception as error:
            raise InferenceError(str(error)) from error


if __name__ == "__main__":
    model = LightGbm("wide")
    model.load()
    kserve.ModelServer(http_port=PORT, workers=1, enable_grpc=False).start([model])
