"""What a score is made of, as charts show it: the lines of explain(), ready to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from mysetlist.charts import Part
from trending.explanations import Explanation, Scored, explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One factor, its numbers and its bar."""

    why: Explanation
    length: float  # of its bar; the largest factor's is 1

    @property
    def bar(self) -> list[Part]:
        return [Part(kind=self.why.factor, share=1, says=described(self.why))]


def breakdown(trend: Scored) -> list[Line]:
    """Every factor, in the order of the formula."""
    told = explain(trend)
    largest = max(line.units for line in told) or 1
    return [Line(why=line, length=line.units / largest) for line in told]


def parts(trend: Scored) -> list[Part]:
    """The factors as parts of one stacked bar."""
    return [Part(kind=line.factor, share=line.share, says=described(line)) for line in explain(trend)]


def described(line: Explanation) -> str:
    return f"{line.label}: {line.points:,.2f} points, {line.share:.0%} ({line.note})"


def says(trend: Scored) -> str:
    """The bar in words, largest share first."""
    told: Sequence[Explanation] = sorted(explain(trend), key=lambda line: -line.units)
    return ", ".join(f"{line.label.lower()} {line.share:.0%}" for line in told if line.units) or "nothing yet"
