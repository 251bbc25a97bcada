"""How this machine talks to others: HTTP, delays, retries, masking. No Django, no vendor."""
