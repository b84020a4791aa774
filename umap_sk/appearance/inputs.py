"""Types of the inputs from which maps, classes and numbers are read."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from umap_sk._typing import Features

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class Frame(Protocol):
    """A frame of pandas or polars."""

    @property
    def columns(self) -> Iterable[Hashable]:
        """Return the names of the columns."""
        ...

    @overload
    def __getitem__(self, names: list[Hashable]) -> "Frame": ...
    @overload
    def __getitem__(self, names: Hashable) -> ArrayLike: ...

    def __contains__(self, name: object) -> bool:
        """Return whether a column has this name."""
        ...


class AnnData(Protocol):
    """Annotated data of the package anndata."""

    X: Features
    obs: Frame
    obsm: Mapping[str, ArrayLike]
    var_names: Iterable[str]

    def __getitem__(self, part: tuple[slice, str]) -> "AnnData":
        """Return a part of the rows and genes."""
        ...


Columns: TypeAlias = Frame | Mapping[str, ArrayLike]
"""Columns by their names, with one value per row."""

Positions: TypeAlias = AnnData | Frame | ArrayLike
"""A map, or data that contains one."""

Embedding: TypeAlias = BaseEstimator | Positions
"""A map, or an estimator or Pipeline that has one."""


def is_frame(given: object) -> "TypeIs[Frame]":
    """Return whether an input is a frame."""
    return hasattr(given, "columns")


def is_anndata(given: object) -> "TypeIs[AnnData]":
    """Return whether an input is AnnData."""
    return hasattr(given, "obsm")


def is_columns(given: object) -> "TypeIs[Columns]":
    """Return whether an input is a frame or a dict of columns."""
    return is_frame(given) or isinstance(given, dict)


def check_same_order(given: object, data: Positions, argument: str) -> None:
    """Raise if a series or frame has the index of the data in another order, since rows are matched by position."""
    index: Any = getattr(given, "index", None)
    of_data: Any = getattr(data, "obs_names" if is_anndata(data) else "index", None)
    if not (hasattr(index, "equals") and hasattr(of_data, "equals")) or len(index) != len(of_data):
        return
    if not index.equals(of_data) and set(index) == set(of_data):
        raise ValueError(
            f"{argument} have the index of the embedding in another order, but rows are matched by position. Pass "
            f"{argument}.loc[embedding.index]."
        )
