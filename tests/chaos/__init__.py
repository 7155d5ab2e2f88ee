"""Real workers, relays, schedulers, brokers and databases, really killed, and what was lost by it. `make chaos` runs it."""
