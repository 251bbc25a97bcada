"""A stand-in for the platform and the translation service: demo, test partner, fault injector.

An independent reading of docs/protocol.md: it imports nothing of ours but itself, so that a
misreading on one side cannot cancel out on the other.
"""
