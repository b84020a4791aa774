"""optuna: a study over parameters of a map."""

import optuna
from sklearn.datasets import load_iris
from umap import UMAP

X = load_iris().data


def objective(trial):
    """Share of neighbors that a map keeps."""
    count, near = trial.suggest_int("n_neighbors", 5, 40), trial.suggest_float("min_dist", 0.0, 0.9)
    return UMAP(count, min_dist=near, n_epochs=30, random_state=0).fit(X).score(X)


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(objective, n_trials=4)
assert 0.3 < study.best_value <= 1
