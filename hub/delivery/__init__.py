"""The one way out: letters, lanes, retries; knows no transport."""
