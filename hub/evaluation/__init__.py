"""Evaluation (评价考核)."""
