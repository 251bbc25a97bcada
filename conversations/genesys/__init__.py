"""The platform's client: tokens, REST, sockets. No Django, no ORM; only `events` is for above."""
