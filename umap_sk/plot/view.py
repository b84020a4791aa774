"""Projections of three components to the plane."""

import numpy as np

VIEW = (30.0, 20.0)  # azimuth and elevation in degrees


def project(positions: np.ndarray, view: tuple[float, float]) -> tuple[np.ndarray, np.ndarray | None]:
    """Project positions to the plane. Returns also the depth if there are three components."""
    if positions.shape[1] == 2:
        return positions, None
    seen = rotate(positions, *view)
    return seen[:, :2], seen[:, 2]


def rotate(positions: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Rotate positions of three components by two angles in degrees, to the axes right, up, and towards the viewer."""
    turn, rise = np.radians([azimuth, elevation])
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    up = np.array([-np.sin(turn) * np.sin(rise), np.cos(turn) * np.sin(rise), np.cos(rise)])
    towards = np.cross(right, up)
    return (positions - np.nanmean(positions, axis=0)) @ np.stack([right, up, towards], axis=1)
