"""The report of a fit: its phases with seconds, bytes and counts."""

import contextlib
import logging
import time
from collections.abc import Iterator

import numpy as np

from umap_sk.monitor.progress import show_phase_end
from umap_sk.monitor.report_html import Phase, render_html

logger = logging.getLogger("umap_sk")


class Report(dict):
    """Report of a fit: a dict whose ``"phases"`` is a list of dicts, and which prints as a table.

    Parameters
    ----------
    **figures : object
        Entries of the dict.

    Examples
    --------
    >>> report = Report()
    >>> with report.phase("graph") as entry:
    ...     entry["edges"] = 10
    >>> report["phases"][0]["name"], report["phases"][0]["edges"]
    ('graph', 10)
    """

    def __init__(self, **figures: object):
        super().__init__(phases=[], **figures)

    def copy(self) -> "Report":
        """Copy the report, so that it can be read while a fit goes on.

        Returns
        -------
        Report
            A copy with its own list of phases.
        """
        copy = Report()
        copy.update(self, phases=[dict(entry) for entry in list(self["phases"])])
        if "losses" in self:
            copy["losses"] = list(self["losses"])
        return copy

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """Time a phase and log one record of it at its end.

        Parameters
        ----------
        name : str
            The phase's name. If it is the name of the last phase, the two are added up.

        Yields
        ------
        dict
            The entry to which the phase adds its figures.
        """
        phases = self["phases"]
        entry: Phase = {"name": name, "seconds": 0.0}
        if phases and phases[-1]["name"] == name:
            entry = phases[-1]
        began = time.perf_counter()
        try:
            yield entry
        finally:
            entry["seconds"] += time.perf_counter() - began
            if not phases or phases[-1] is not entry:
                phases.append(entry)
        logger.info("%s", describe_phase(entry), extra={"umap_sk": entry})
        show_phase_end(name, entry["seconds"])

    def phase_note(self, name: str, **figures: object) -> None:
        """Add figures to the last phase of a name.

        Parameters
        ----------
        name : str
            The phase's name.
        **figures : object
            The figures to add.
        """
        next(entry for entry in reversed(self["phases"]) if entry["name"] == name).update(figures)

    def seconds(self, name: str) -> float:
        """Return the total time of all phases of a name.

        Parameters
        ----------
        name : str
            The phases' name.

        Returns
        -------
        float
            Seconds; 0 if there was no such phase.
        """
        return float(sum(entry["seconds"] for entry in self["phases"] if entry["name"] == name))

    def loss_curve(self) -> np.ndarray:
        """Return the loss during the fit, for the epochs that this process has run.

        Returns
        -------
        ndarray of shape (n_points, 3)
            Epoch, number of vertices of the level, and loss per row, estimated from a sample.
        """
        return np.array(self.get("losses", []), np.float64).reshape(-1, 3)

    def __str__(self) -> str:
        rest = "  ".join(f"{key}={value}" for key, value in self._rest().items())
        return "\n".join([describe_phase(entry) for entry in self["phases"]] + ([rest] if rest else []))

    def _repr_html_(self) -> str:
        return render_html(self["phases"], self._rest(), self.get("losses", []))

    def _rest(self) -> dict[str, object]:
        """Return the scalar entries of the report."""
        return {key: value for key, value in self.items() if key not in ("phases", "losses")}


def describe_phase(entry: Phase) -> str:
    """Describe a phase in one line: its name, seconds, and every other figure that is not 0."""
    figures = " ".join(
        f"{key}={value:,}" if isinstance(value, int) else f"{key}={value}"
        for key, value in entry.items()
        if key not in ("name", "seconds") and value != 0
    )
    return f"{entry['name']:<10} {entry['seconds']:8.3f} s  {figures}".rstrip()
