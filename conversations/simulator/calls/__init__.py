"""Simulated calls: scripts that are spoken, the transcription socket, the knowledge service."""
