"""Finds personal data in what was said and takes it out. Pure: no Django, no I/O, no clock."""
