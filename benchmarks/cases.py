"""What `benchmarks.quality` runs: settings and data sets by case, and the bar that each must clear."""

from typing import NamedTuple

from benchmarks.judge import Figures
from benchmarks.peers import Task

LOWER_IS_BETTER = {"eff", "reach", "start"}


class Bar(NamedTuple):
    """A figure's limit: factor x the peer's median + margin; with factor 0 a fixed number."""

    figure: str
    factor: float = 1.0
    margin: float = 0.0

    def limit(self, peer_figures):
        """The limit, given the peer's medians by figure."""
        return self.margin + (self.factor * peer_figures[self.figure] if self.factor else 0.0)

    def cleared(self, figures, peer_figures):
        """Whether the figure is at the limit or better."""
        sign = -1 if self.figure in LOWER_IS_BETTER else 1
        return sign * figures[self.figure] >= sign * self.limit(peer_figures)


class Variant(NamedTuple):
    """One data set under one setting."""

    name: str
    dataset: str = "fashion"
    task: Task = Task()
    bars: tuple[Bar, ...] = ()


def _fixed(*values):
    """Bars at fixed numbers, in the order of the figures."""
    return tuple(Bar(figure, 0.0, value) for figure, value in zip(Figures._fields, values, strict=True))


_LOCAL = ("trust", "recall15", "knn5acc")
_NEAR = (
    Bar("trust", margin=-0.001),
    *(Bar(figure, margin=-0.002) for figure in ("recall15", "knn5acc", "triplet")),
    Bar("spearman", margin=-0.01),
    Bar("eff", 1.002),
)
_KERNELS = ((0.0, 1.0), (0.01, 1.0), (0.5, 1.0), (0.99, 1.0), (0.1, 0.5), (0.1, 3.0))

_FASHION = Variant("fashion", bars=_fixed(0.9758, 0.138, 0.766, 0.738, 0.588, 2.385))

CASES = {
    "defaults": (Variant("digits", "digits", bars=_fixed(0.987, 0.535, 0.986, 0.665, 0.455, 2.935)), _FASHION),
    "dimensions": (
        _FASHION,
        *(
            Variant(
                f"n_components {n}",
                task=Task(n_components=n),
                bars=tuple(Bar(figure, margin=-by) for figure, by in zip(_LOCAL, (0.003, 0.01, 0.01), strict=True)),
            )
            for n in (3, 10)
        ),
    ),
    "kernel": tuple(
        Variant(
            f"min_dist {min_dist:g}, spread {spread:g}",
            task=Task(min_dist=min_dist, spread=spread),
            bars=(Bar("eff"), Bar("trust", margin=-0.004)),
        )
        for min_dist, spread in _KERNELS
    ),
    "spectral": (
        Variant(
            "spectral",
            task=Task(start="spectral"),
            bars=(*(Bar(figure) for figure in _LOCAL), Bar("eff", 1.01), Bar("start", 0.0, 3.0)),
        ),
    ),
    "random": (Variant("random", task=Task(start="random")),),
    "directed": (
        _FASHION,
        Variant("symmetrize off", task=Task(symmetrize=False), bars=(Bar("trust", 0, 0.970), Bar("knn5acc", 0, 0.74))),
    ),
    "hubs": (Variant("hubs", "hubs", bars=(Bar("reach", 1.1),)),),
    "kinds": (
        Variant("trajectories", "trajectories", bars=_NEAR),
        Variant("tight", "tight", bars=_NEAR),
        Variant("text", "text", bars=_NEAR),
        Variant("windows", "windows", bars=_NEAR),
    ),
    "real": tuple(Variant(name, name, bars=_NEAR) for name in ("patches", "cells", "packages")),
    "held-out": (Variant("functions", "functions", bars=_NEAR),),  # nothing was chosen by looking at it
    "alone": tuple(
        Variant(f"{name}, arrays alone", name, task=Task(start="auto"), bars=_NEAR)
        for name in ("digits", "fashion", "text", "windows", "patches", "cells", "packages", "functions")
    ),
    "mixture": (
        Variant(
            "mixture",
            "mixture",
            bars=(
                Bar("trust", margin=-0.0005),
                Bar("recall15"),
                Bar("knn5acc", margin=-0.001),
                Bar("triplet", margin=-0.003),
                Bar("spearman", margin=-0.006),
                Bar("eff"),
            ),
        ),
    ),
}
