"""What we see: the table of events, logs, metrics, traces. Imports nothing of ours."""
