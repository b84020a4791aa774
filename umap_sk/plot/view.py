"""Three components seen from a side, as two and a depth."""

import numpy as np

VIEW = (30.0, 20.0)  # azimuth and elevation from which three components are seen


def flat(positions: np.ndarray, view: tuple[float, float]) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions in the plane, and their depth where there are three components."""
    if positions.shape[1] == 2:
        return positions, None
    seen = seen_from(positions, *view)
    return seen[:, :2], seen[:, 2]


def seen_from(positions: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Positions of three components turned by two angles in degrees: to the right, up, and towards who looks."""
    turn, rise = np.radians([azimuth, elevation])
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    up = np.array([-np.sin(turn) * np.sin(rise), np.cos(turn) * np.sin(rise), np.cos(rise)])
    towards = np.cross(right, up)
    return (positions - np.nanmean(positions, axis=0)) @ np.stack([right, up, towards], axis=1)
