"""Calls: chunks from the platform's sockets to the database and to the pages."""
