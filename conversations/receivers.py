"""Turns the heart's signals into wake-ups. Best effort: the rows are the queue."""
