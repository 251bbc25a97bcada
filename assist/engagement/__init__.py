"""How agents write and answer: counted, measured and shown; never what they write."""
