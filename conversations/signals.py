"""What happened, for whoever wants to act on it; receivers only queue."""

from django.dispatch import Signal

# Work for a worker was committed: guest messages that await translation, or what a person wants
# done again. Arguments: none.
work_arrived = Signal()

# Texts of these conversations were erased on request, and copies of them must go as well: files of
# exports. Sent before the erasure counts as done, and again where that was interrupted. Arguments:
# `conversation_ids` (keys), `reason`. A receiver returns how many files it removed.
texts_erased = Signal()

# A request to erase a guest was committed; somebody has to run it. Arguments: none.
erasure_requested = Signal()

# A person's decision was committed. Arguments: `moved`, (conversation key, head seq) of each
# journal that has grown.
journals_moved = Signal()

# An agent has typed: `conversation_id` (primary key), `agent_id` (the platform's), `count`, `at`
# (of the last keystroke). Sent on the event loop, so receivers only note it.
keystrokes_reported = Signal()

# An export waits for a worker. Arguments: none.
export_wanted = Signal()
