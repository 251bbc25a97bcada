"""The rules of each socket as pure objects: no I/O, no clock, no asyncio."""
