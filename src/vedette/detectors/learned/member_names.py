"""Names of the members that judge by models."""

from typing import Final

ADDRESS: Final = "address"
FOREST: Final = "forest"
DDOS: Final = "ddos"
MARKOV: Final = "markov"
TRANSFORMER: Final = "transformer"
RESPONSE_TIME: Final = "response_time"
STATUS_CODE: Final = "status_code"
OUTLIERS: Final = ("ECOD", "COPOD", "HBOS", "KNN", "LOF", "GMM", "OCSVM")
"""By detectors of PyOD that pass the checks of all models: finite scores of any row, the same under one seed, quick."""
