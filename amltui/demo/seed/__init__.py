"""What the demo workspace holds when it starts: the data, and what turns it into payloads."""
