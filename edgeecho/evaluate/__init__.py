"""A model against labels: predictions and metrics. No torch."""

from edgeecho.evaluate.metrics import Metrics
from edgeecho.evaluate.record import record_evaluation
from edgeecho.evaluate.run import Evaluation, evaluate

__all__ = ["Evaluation", "Metrics", "evaluate", "record_evaluation"]
