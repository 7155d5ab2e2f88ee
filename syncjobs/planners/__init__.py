"""Planners: what a scheduled job puts into the queue, by staleness and importance, within the day's budget.

Each job is one service, wrapped once. It reads, plans and enqueues; the pieces call the sources.
"""
