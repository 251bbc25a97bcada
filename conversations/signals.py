"""What happened, for whoever wants to act on it; receivers only queue."""

from django.dispatch import Signal

# Guest messages were committed that await translation. Arguments: none.
work_arrived = Signal()
