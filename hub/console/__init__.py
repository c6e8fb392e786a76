"""The pages people look at (控制台): they read through ``hub.store``; what a button changes goes by the intake.

No rule of the city lives here, no SQL, and nothing that a partner's system would call.
"""
