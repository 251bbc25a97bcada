"""What is kept of a call beside its messages and their texts, which are the heart's; how agents
write and answer; and what the platform's analytics add.
"""

from assist.models.chunk import Chunk
from assist.models.engagement import Engagement, EngagementWriter
from assist.models.hour import HourlyMetrics
from assist.models.interaction import Interaction
from assist.models.knowledge import KnowledgeFailure, Suggestion
from assist.models.round import Round
from assist.models.watch import AssistWatch

__all__ = [
    "AssistWatch",
    "Chunk",
    "Engagement",
    "EngagementWriter",
    "HourlyMetrics",
    "Interaction",
    "KnowledgeFailure",
    "Round",
    "Suggestion",
]
