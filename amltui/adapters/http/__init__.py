"""Plain HTTP to scoring URIs: one measured request, and a load of them from a child process."""
