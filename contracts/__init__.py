"""What is agreed: messages and their versions, schemas, the city's tables, the shared nouns, the adapter's port.

Imports nothing of ours.
"""
