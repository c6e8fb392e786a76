"""Who may speak: credentials, principals, secrets; storage through a port. Imports nothing of ours."""
