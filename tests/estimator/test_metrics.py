"""Tests of the metrics and of score against their formulas."""

import naive_metrics
import numpy as np
import pytest
import scipy.sparse
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness as whole_trustworthiness
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors, kneighbors_graph
from sklearn.pipeline import make_pipeline

from umap_sk import Manifold, PrecomputedUMAP, knn_graph, metrics

RNG = np.random.default_rng(5)
POINTS = RNG.normal(size=(90, 4))
MAP = POINTS[:, :2] + RNG.normal(scale=0.3, size=(90, 2))
NEW_POINTS = RNG.normal(size=(40, 4))
NEW_MAP = NEW_POINTS[:, :2] + RNG.normal(scale=0.3, size=(40, 2))


def ragged_graph(points, others, *, seed=0, longest=30):
    """Return the distances to each point's 0 to `longest` nearest others, as a graph and as a dense array."""
    distances = cdist(points, others).astype(np.float32)
    lengths = np.random.default_rng(seed).integers(0, longest + 1, len(points))
    rank = distances.argsort(axis=1).argsort(axis=1)
    kept = rank < lengths[:, None]
    rows, columns = np.nonzero(kept)
    return scipy.sparse.csr_array((distances[kept], (rows, columns)), distances.shape), np.where(
        kept, distances, np.inf
    )


@pytest.mark.parametrize("k", [1, 5, 15])
@pytest.mark.parametrize("measure, twin", [(metrics.neighbor_recall, "recall"), (metrics.trustworthiness, "trust")])
def test_of_the_rows_themselves(measure, twin, k):
    """The figures of training rows equal the reference implementation's, with ragged lists and a disconnected row."""
    graph, distances = ragged_graph(POINTS, POINTS)
    embedding = MAP.copy()
    embedding[7] = np.nan
    lists = naive_metrics.neighbor_lists(distances, embedding, embedding, [{i} for i in range(90)], k)
    assert measure(graph, embedding, k=k) == pytest.approx(getattr(naive_metrics, twin)(lists, k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 5, 15])
@pytest.mark.parametrize("measure, twin", [(metrics.neighbor_recall, "recall"), (metrics.trustworthiness, "trust")])
def test_of_new_rows(measure, twin, k):
    """A training row at distance 0 is the new row itself and does not count as its neighbor.

    New row 3 equals training row 11, and new row 4 equals training rows 12 and 13.
    """
    points, training = NEW_POINTS.copy(), POINTS.copy()
    training[13] = training[12]
    points[3:5] = training[11:13]
    graph, distances = ragged_graph(points, training)
    itself = [set(np.flatnonzero(distances[i] == 0)) for i in range(40)]
    lists = naive_metrics.neighbor_lists(distances, NEW_MAP, MAP, itself, k)
    found = measure(graph, NEW_MAP, training=MAP, k=k)
    assert found == pytest.approx(getattr(naive_metrics, twin)(lists, k), abs=1e-12)


def test_nothing_lost_and_all_lost():
    """A map that is the data keeps all neighbors, and scores 0 if the graph lists the farthest rows instead."""
    graph = kneighbors_graph(POINTS, 20, mode="distance")
    assert metrics.neighbor_recall(graph, POINTS) == metrics.trustworthiness(graph, POINTS) == 1.0
    far = cdist(POINTS, POINTS).argsort(axis=1)[:, ::-1][:, :20]
    farthest = scipy.sparse.csr_array(
        (np.tile(np.arange(1.0, 21.0), 90), (np.repeat(np.arange(90), 20), far.ravel())), (90, 90)
    )
    assert metrics.neighbor_recall(farthest, POINTS) == metrics.trustworthiness(farthest, POINTS) == 0.0


def test_trustworthiness_of_full_lists_is_scikit_learns():
    """If the lists contain all neighbors, the trustworthiness equals scikit-learn's."""
    graph = kneighbors_graph(POINTS, 89, mode="distance")
    for k in (1, 5, 30):
        expected = whole_trustworthiness(POINTS, MAP, n_neighbors=k)
        assert metrics.trustworthiness(graph, MAP, k=k) == pytest.approx(expected, abs=1e-12)


def test_cut_ranks_are_stricter():
    """Shorter lists never increase the trustworthiness of a map."""
    figures = [
        metrics.trustworthiness(kneighbors_graph(POINTS, n, mode="distance"), MAP, k=10) for n in (15, 20, 30, 60, 89)
    ]
    assert figures == sorted(figures) and figures[0] < figures[-1]


def test_triplets_and_distances_by_hand():
    """Both figures equal a direct computation from the same random draws."""
    drawn = np.random.RandomState(3).randint(0, 90, (3, 400))
    agree = []
    for i, j, k in drawn.T:
        if len({i, j, k}) == 3:
            before = np.linalg.norm(POINTS[i] - POINTS[j]) < np.linalg.norm(POINTS[i] - POINTS[k])
            agree.append(before == (np.linalg.norm(MAP[i] - MAP[j]) < np.linalg.norm(MAP[i] - MAP[k])))
    assert metrics.triplet_accuracy(POINTS, MAP, n_triplets=400, random_state=3) == np.mean(agree)
    i, j = np.random.RandomState(3).randint(0, 90, (2, 400))
    i, j = i[i != j], j[i != j]
    pairs = np.linalg.norm(POINTS[i] - POINTS[j], axis=1), np.linalg.norm(MAP[i] - MAP[j], axis=1)
    found = metrics.distance_correlation(POINTS, MAP, n_pairs=400, random_state=3)
    assert found == pytest.approx(spearmanr(*pairs)[0], abs=1e-12)


def test_triplets_of_sparse_features_other_metrics_and_lost_rows():
    """Sparse features give the figures of dense ones, and disconnected rows are not drawn."""
    sparse = scipy.sparse.csr_array(np.maximum(POINTS, 0))
    for measure in (metrics.triplet_accuracy, metrics.distance_correlation):
        assert measure(sparse, MAP) == pytest.approx(measure(sparse.toarray(), MAP), abs=1e-12)
        assert measure(POINTS, POINTS) == pytest.approx(1.0)
        assert measure(POINTS, MAP, metric="manhattan") != measure(POINTS, MAP)
        lost = np.where(np.arange(90)[:, None] % 3 == 0, np.nan, MAP)
        kept = np.arange(90) % 3 != 0
        assert measure(POINTS, lost) == measure(POINTS[kept], MAP[kept])


@pytest.mark.parametrize("symmetrize", [True, False])
def test_loss(symmetrize):
    """The loss of all rows equals its formula, and the mean loss of samples is close to it."""
    model = PrecomputedUMAP(metric="euclidean", symmetrize=symmetrize, n_epochs=50, random_state=0).fit(POINTS)
    positions = model.embedding_.astype(np.float64)
    rates = {"negative_sample_rate": 3.0, "repulsion_strength": 0.7}
    whole = naive_metrics.loss(model.graph_.toarray(), positions, model.a_, model.b_, 3.0, 0.7)
    curve = {"a": model.a_, "b": model.b_}
    assert metrics.sampled_loss(model.graph_, positions, **curve, **rates) == pytest.approx(whole, rel=1e-6)
    samples = [
        metrics.sampled_loss(model.manifold_, positions, **curve, **rates, max_rows=45, random_state=seed)
        for seed in range(8)
    ]
    assert len(set(samples)) == 8 and np.mean(samples) == pytest.approx(whole, rel=0.05)


def test_loss_of_points_on_one_place_is_finite():
    graph = Manifold.from_graph(scipy.sparse.csr_array(np.ones((4, 4))))
    assert np.isfinite(metrics.sampled_loss(graph, np.zeros((4, 2)), a=1.6, b=0.9))


def test_samples_are_the_same_each_time_and_near_the_whole():
    """A seed always draws the same rows, other seeds draw others, and all give figures close to that of all rows."""
    X = load_digits().data
    graph = kneighbors_graph(X, 30, mode="distance")
    embedding = X[:, [10, 21]] + np.random.default_rng(0).normal(size=(1797, 2))
    for measure in (metrics.neighbor_recall, metrics.trustworthiness):
        whole = measure(graph, embedding, max_rows=None)
        samples = [measure(graph, embedding, max_rows=600, random_state=seed) for seed in (0, 0, 1)]
        assert samples[0] == samples[1] != samples[2]
        assert samples == pytest.approx([whole] * 3, abs=0.02)


def test_refusals():
    """Each error says which argument is wrong and what is needed."""
    graph = kneighbors_graph(POINTS, 20, mode="distance")
    with pytest.raises(TypeError, match="ndarray was passed.*knn_graph"):
        metrics.neighbor_recall(np.zeros((90, 90)), MAP)
    with pytest.raises(ValueError, match=r"shape \(90, 90\), but 40 rows.*training="):
        metrics.trustworthiness(graph, NEW_MAP)
    for k in (0, 1.5, True):
        with pytest.raises(ValueError, match=f"k={k}, but a whole number"):
            metrics.neighbor_recall(graph, MAP, k=k)
    with pytest.raises(ValueError, match="X has 90 rows, but the embedding has 40"):
        metrics.triplet_accuracy(POINTS, NEW_MAP)


# ---------------------------------------------------------------------------------------------- score and the scorers


@pytest.fixture(scope="module")
def digits_parts():
    X = load_digits().data
    X = X + np.random.default_rng(0).uniform(size=X.shape)  # no ties
    return X[:1200], X[1200:]


@pytest.fixture(scope="module")
def model(digits_parts):
    return PrecomputedUMAP(metric="euclidean", init="pivot_mds", n_epochs=30, random_state=0).fit(digits_parts[0])


def test_score_of_training_rows_is_the_recall_of_the_embedding(digits_parts, model):
    """The score of the training rows is the recall of the embedding, for features, graphs and arrays."""
    X = digits_parts[0]
    dists, indices = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
    graph = knn_graph(indices, dists)
    recall = metrics.neighbor_recall(graph, model.embedding_)
    assert 0.3 < recall < 0.9
    assert model.score(X) == recall == metrics.neighbor_recall_scorer(model, X)
    assert model.score(knn_indices=indices, knn_dists=dists) == recall
    other = PrecomputedUMAP(init="pivot_mds", n_epochs=30, random_state=0).fit(graph)
    np.testing.assert_array_equal(other.embedding_, model.embedding_)
    assert other.score(graph) == recall
    assert model.score(X, k=5) == metrics.neighbor_recall(graph, model.embedding_, k=5) != recall


def test_score_of_new_rows_is_the_recall_of_their_places(digits_parts, model):
    """The score of new rows is their recall among the training rows for any k, also at the end of a pipeline."""
    X, new = digits_parts
    dists, indices = NearestNeighbors(n_neighbors=46).fit(X).kneighbors(new)
    graph = knn_graph(indices, dists, n_columns=len(X))
    places = model.transform(new)
    recall = metrics.neighbor_recall(graph, places, training=model.embedding_)
    assert model.score(new) == recall
    for k in (5, 30):  # fewer and more than n_neighbors
        assert model.score(new, k=k) == metrics.neighbor_recall(graph, places, training=model.embedding_, k=k) != recall
    trust = metrics.trustworthiness(graph, places, training=model.embedding_)
    assert metrics.trustworthiness_scorer(model, new) == trust > recall
    pipeline = make_pipeline(
        KNeighborsTransformer(mode="distance", n_neighbors=45),
        PrecomputedUMAP(init="pivot_mds", n_epochs=30, random_state=0),
    ).fit(X)
    assert pipeline.score(new) == metrics.neighbor_recall_scorer(pipeline, new) == recall


def test_scorers_of_features(digits_parts, model):
    """Scorers of features evaluate the output of transform and refuse distances. The loss scorer returns -loss."""
    new = digits_parts[1]
    places = model.transform(new)
    assert metrics.triplet_accuracy_scorer(model, new) == metrics.triplet_accuracy(new, places) > 0.6
    assert metrics.distance_correlation_scorer(model, new) == metrics.distance_correlation(new, places) > 0.2
    with pytest.raises(ValueError, match="needs features"):
        metrics.triplet_accuracy_scorer(PrecomputedUMAP(), new)
    loss = metrics.sampled_loss(model.graph_, model.embedding_, a=model.a_, b=model.b_)
    assert metrics.sampled_loss_scorer(model, new) == -loss
    worse = PrecomputedUMAP(metric="euclidean", n_epochs=2, random_state=0).fit(digits_parts[0])
    assert metrics.sampled_loss_scorer(worse) < -loss


def test_score_samples_beyond_ten_thousand_rows():
    """The score of more than 10,000 rows is that of a random sample of 10,000."""
    graph = kneighbors_graph(POINTS, 20, mode="distance")
    model = PrecomputedUMAP(n_epochs=10, random_state=0).fit(graph)
    many = scipy.sparse.vstack([graph[:, :]] * 150, format="csr")
    rows = np.sort(np.random.RandomState(0).choice(13500, 10000, replace=False))
    assert model.score(many) == model.score(many[rows])


def test_rows_of_the_map_are_known_by_listing_themselves(digits_parts, model):
    """Rows that list themselves are training rows despite rounding errors.

    A part of them, or all of them in another order, counts as new rows.
    """
    X = digits_parts[0]
    dists, indices = NearestNeighbors(n_neighbors=16).fit(X).kneighbors(X)
    dists[:, 0] = 1e-6
    recall = metrics.neighbor_recall(knn_graph(indices, dists), model.embedding_)
    assert model.score(knn_indices=indices, knn_dists=dists) == recall
    for rows in (np.arange(600), np.random.default_rng(0).permutation(1200)):
        given = {"knn_indices": indices[rows], "knn_dists": dists[rows]}
        places = model.transform(**given)
        assert (places != model.embedding_[rows]).any()
        graph = knn_graph(indices[rows], dists[rows], n_columns=1200)
        assert model.score(**given) == metrics.neighbor_recall(graph, places, training=model.embedding_) != recall


def test_lists_may_hold_nothing():
    """Rows without neighbors do not count, and the figures are NaN if no row has a neighbor."""
    full = np.arange(0, 40, 3)
    lists = ragged_graph(NEW_POINTS[full], POINTS, longest=40)[0]
    graph = scipy.sparse.csr_array(scipy.sparse.eye_array(40, format="csc")[:, full] @ lists)
    for measure in (metrics.neighbor_recall, metrics.trustworthiness):
        expected = measure(lists, NEW_MAP[full], training=MAP)
        assert measure(graph, NEW_MAP, training=MAP) == pytest.approx(expected, abs=1e-12) != 0
        assert np.isnan(measure(scipy.sparse.csr_array((90, 90)), MAP))


def test_memberships_are_no_distances():
    """Memberships in place of distances are refused, because their largest values would be the farthest neighbors."""
    manifold = PrecomputedUMAP(15, metric="euclidean").learn_manifold(load_digits().data[:500])
    for measure in (metrics.neighbor_recall, metrics.trustworthiness):
        with pytest.raises(ValueError, match="values that are the larger, the more neighbors two rows share"):
            measure(manifold.graph, RNG.normal(size=(500, 2)), k=5)


def test_trustworthiness_needs_ranks():
    """Graphs with no more than k neighbors are refused, unless these are all other rows."""
    graph = kneighbors_graph(POINTS, 15, mode="distance")
    for k in (15, 16):
        with pytest.raises(ValueError, match=f"more than k={k} .* have at most 15.* set k below 15"):
            metrics.trustworthiness(graph, MAP, k=k)
    model = PrecomputedUMAP(n_epochs=5, random_state=0).fit(graph)
    with pytest.raises(ValueError, match="more than k=15"):
        metrics.trustworthiness_scorer(model, graph)
    few = kneighbors_graph(POINTS[:10], 9, mode="distance")
    assert 0 < metrics.trustworthiness(few, MAP[:10], k=9) <= 1
