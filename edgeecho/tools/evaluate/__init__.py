"""Evaluating models on labelled videos: predictions, metrics, a folder of results. No torch.

`EFMetrics` and `evaluate` need numpy only; `assess` and `write_results` need the extra `evaluate`.
"""

from edgeecho.tools.evaluate.assess import EvaluationReport, assess
from edgeecho.tools.evaluate.metrics import EFMetrics
from edgeecho.tools.evaluate.record import record_evaluation
from edgeecho.tools.evaluate.run import Evaluation, evaluate
from edgeecho.tools.evaluate.text import to_text
from edgeecho.tools.evaluate.write import check_folder, write_results

__all__ = [
    "EFMetrics",
    "Evaluation",
    "EvaluationReport",
    "assess",
    "check_folder",
    "evaluate",
    "record_evaluation",
    "to_text",
    "write_results",
]
