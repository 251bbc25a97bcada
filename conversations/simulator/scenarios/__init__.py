"""Written conversations (JSON beside this file), their loader, their player, generated load."""
