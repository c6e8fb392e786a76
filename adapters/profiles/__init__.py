"""Profiles that show how real units are connected (示例档案): one folder each, with samples of the unit's documents.

``in.<contract>.*`` is what the unit sends, beside it ``.json`` what the hub makes of it; ``out.<contract>.*`` is what
the unit gets for the contract's example. Data only.
"""
