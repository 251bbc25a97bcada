"""Exports beside COPY of the same rows, and what they cost whoever chats meanwhile."""
