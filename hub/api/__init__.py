"""The HTTP face: hot doors as plain ASGI, everything else FastAPI."""
