"""Honest figures: every measure beside its yardstick, interleaved in the same run on the same machine."""
