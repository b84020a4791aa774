"""70,000 images of clothes: a map of 60,000, and the other 10,000 placed on it. ``make demo-fashion`` runs this."""

import sys

from benchmarks.real_data import fashion_images
from examples.showcase import Rows, show, timed

CLASSES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
N_NEIGHBORS = 16  # 15 others, for the figures; the map uses the nearest 15 with the row itself
N_FITTED = 60_000  # the data set's own split


def main():
    """Search neighbors with PyNNDescent, then make the map."""
    try:
        features, labels = fashion_images()
    except FileNotFoundError as error:
        sys.exit(str(error))
    from pynndescent import NNDescent

    print(f"Fashion-MNIST: {N_FITTED:,} images make the map, {len(features) - N_FITTED:,} others are placed on it.\n")
    with timed("search", "nearest neighbors, by PyNNDescent; it compiles in every run"):
        search = NNDescent(features[:N_FITTED], n_neighbors=N_NEIGHBORS, random_state=0)
        neighbors = search.neighbor_graph
        new_neighbors = search.query(features[N_FITTED:], k=N_NEIGHBORS)
    show(
        "fashion",
        "Fashion-MNIST: each dot is an image, and clothes that look alike lie together",
        CLASSES,
        Rows(features[:N_FITTED], labels[:N_FITTED], *neighbors),
        Rows(features[N_FITTED:], labels[N_FITTED:], *new_neighbors),
    )


if __name__ == "__main__":
    main()
