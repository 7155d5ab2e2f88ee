"""What a plan says, in short."""

from typing import Any

from syncjobs.planners.plans import Plan


def jobs_of(plan: Plan) -> list[tuple[str, Any]]:
    """Each piece by its job and whom or what it is about, in order."""
    return [
        (piece.job, piece.arguments.get("artist") or piece.arguments.get("show") or piece.arguments.get("country"))
        for piece in plan.pieces
    ]
