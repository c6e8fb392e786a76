"""The component register (部件台账): reading files, what they change, whom that concerns. Pure: no store, no web."""
