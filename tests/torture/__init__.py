"""Campaigns that hurt: kills, deaths of nodes, hostile input, a thousand workers.

The tests run a small part of each, `make torture` (`python -m tests.torture`) the whole.
"""
