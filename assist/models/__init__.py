"""What is kept of a call beside its messages and their texts, which are the heart's."""

from assist.models.chunk import Chunk
from assist.models.hour import HourlyMetrics
from assist.models.knowledge import KnowledgeFailure, Suggestion
from assist.models.watch import AssistWatch

__all__ = ["AssistWatch", "Chunk", "HourlyMetrics", "KnowledgeFailure", "Suggestion"]
