"""PostgreSQL, the one store: SQL lives beside the module that uses it; dataclasses come out, never rows."""
