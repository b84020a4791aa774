"""The 1,797 handwritten digits: a map of 1,500, and the other 297 placed on it. ``make demo`` runs this."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from examples.showcase import Rows, show, timed

N_NEIGHBORS = 16  # 15 others, for the figures; the map uses the nearest 15 with the row itself


def main():
    """Search neighbors with scikit-learn, then make the map."""
    features, labels = load_digits(return_X_y=True)
    features, new_features, labels, new_labels = train_test_split(features, labels, test_size=297, random_state=0)
    print(f"Handwritten digits: {len(features):,} images make the map, {len(new_features)} others are placed on it.\n")
    with timed("search", "nearest neighbors, by scikit-learn"):
        search = NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(features)
        distances, indices = search.kneighbors(features)  # a row's first neighbor is the row itself: it may stay
        new_distances, new_indices = search.kneighbors(new_features)
    show(
        "digits",
        "Handwritten digits: each dot is an image, and images that look alike lie together",
        [str(digit) for digit in range(10)],
        Rows(features, labels, indices, distances),
        Rows(new_features, new_labels, new_indices, new_distances),
    )


if __name__ == "__main__":
    main()
