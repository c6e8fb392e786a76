"""The HTTP client's one home: guarded, pinned calls for every adapter that speaks HTTP. It follows nothing."""
