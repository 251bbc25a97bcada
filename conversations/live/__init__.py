"""What people see live: journal, tailer, sockets; see docs/live-socket.md."""
