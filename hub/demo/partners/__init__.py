"""The units' systems: each module a process (``python -m hub.demo.partners.<kind>``), with a journal of its own.

They know the hub's address and their keys, nothing else of it; they import nothing of ours but this demo.
"""
