"""How the outside is reached: a folder per transport. Sees contracts and auth's port, never the hub or the store."""
