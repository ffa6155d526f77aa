"""Numbers for a model on annotated photos; see ``protocols`` for what each of them measures."""

from partclipseg.evaluation.protocols import PROTOCOLS, evaluate
from partclipseg.evaluation.report import Report

__all__ = ["PROTOCOLS", "Report", "evaluate"]
