"""The cases of `benchmarks.quality`: their settings and data sets, and the bars that each must clear."""

from typing import NamedTuple

from benchmarks.judge import LOWER_IS_BETTER, Figures
from benchmarks.peers import Task


class Bar(NamedTuple):
    """A limit of a figure: factor x the reference's median + margin, or the margin alone with factor 0."""

    figure: str
    factor: float = 1.0
    margin: float = 0.0

    def limit(self, reference):
        """Return the limit, given the reference's medians by figure."""
        return self.margin + (self.factor * reference[self.figure] if self.factor else 0.0)

    def cleared(self, figures, reference):
        """Return whether the figure is at the limit or better."""
        sign = -1 if self.figure in LOWER_IS_BETTER else 1
        return sign * figures[self.figure] >= sign * self.limit(reference)


class Variant(NamedTuple):
    """One data set under one setting."""

    name: str
    dataset: str = "fashion"
    task: Task = Task()
    bars: tuple[Bar, ...] = ()


def margins(factor=1.0, **values):
    """Return bars at the reference's medians plus margins, by figure."""
    return tuple(Bar(figure, factor, value) for figure, value in values.items())


def variants_of(*names, **settings):
    """Return a variant of each set, whose figures must be near the reference's."""
    suffix = ", arrays alone" if settings else ""
    return tuple(Variant(f"{name}{suffix}", name, Task(**settings), NEAR) for name in names)


def of_fashion(name, bars, **settings):
    """Return a variant of Fashion-MNIST."""
    return Variant(name, task=Task(**settings), bars=bars)


NEAR = (
    *margins(trust=-0.001, recall15=-0.002, knn5acc=-0.002, triplet=-0.002, spearman=-0.01),
    Bar("eff", 1.002),
)
MIXTURE = margins(trust=-0.0005, recall15=0.0, knn5acc=-0.001, triplet=-0.003, spearman=-0.006, eff=0.0)
DIGITS = margins(0.0, **dict(zip(Figures._fields, (0.987, 0.535, 0.986, 0.665, 0.455, 2.935), strict=True)))
FASHION = of_fashion(
    "fashion", margins(0.0, **dict(zip(Figures._fields, (0.9758, 0.138, 0.766, 0.738, 0.588, 2.385), strict=True)))
)
KERNELS = ((0.0, 1.0), (0.01, 1.0), (0.5, 1.0), (0.99, 1.0), (0.1, 0.5), (0.1, 3.0))  # min_dist, spread
LOCAL = {"trust": -0.003, "recall15": -0.01, "knn5acc": -0.01}

CASES = {
    "defaults": (Variant("digits", "digits", bars=DIGITS), FASHION),
    "dimensions": (FASHION, *(of_fashion(f"n_components {n}", margins(**LOCAL), n_components=n) for n in (3, 10))),
    "kernel": tuple(
        of_fashion(f"min_dist {near:g}, spread {far:g}", margins(eff=0.0, trust=-0.004), min_dist=near, spread=far)
        for near, far in KERNELS
    ),
    "spectral": (of_fashion("spectral", (*margins(**dict.fromkeys(LOCAL, 0.0)), Bar("eff", 1.01)), start="spectral"),),
    "directed": (FASHION, of_fashion("symmetrize off", margins(0.0, trust=0.970, knn5acc=0.74), symmetrize=False)),
    "kinds": variants_of("trajectories", "tight", "text", "windows"),
    "real": variants_of("patches", "cells", "packages"),
    "held-out": variants_of("functions"),  # nothing was chosen by looking at it
    "alone": variants_of(
        "digits", "fashion", "text", "windows", "patches", "cells", "packages", "functions", start="auto"
    ),
    "mixture": (Variant("mixture", "mixture", bars=MIXTURE),),
}
