"""The model and the data: logistic regression on generated samples. It needs no file and no network."""

import numpy as np

FEATURES = 8
SAMPLES = 400
SEED = 2026


def initial_model() -> dict[str, np.ndarray]:
    """Zero weights: every node starts with the same model."""
    return {"weights": np.zeros(FEATURES), "bias": np.zeros(1)}


def _samples(seed: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    truth = np.random.default_rng(SEED).normal(size=FEATURES)
    rng = np.random.default_rng([SEED, seed])
    features = rng.normal(loc=shift, size=(SAMPLES, FEATURES))
    noise = rng.normal(scale=0.5, size=SAMPLES)
    return features, (features @ truth + noise > 0).astype(float)


def load_partition(partition_id: int, num_partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """The samples of one node. They differ a little between nodes, as real data do."""
    if not 0 <= partition_id < num_partitions:
        raise ValueError(f"partition-id {partition_id} is not below num-partitions {num_partitions}")
    return _samples(partition_id + 1, shift=0.3 * (2 * (partition_id + 0.5) / num_partitions - 1))


def load_test_set() -> tuple[np.ndarray, np.ndarray]:
    """Samples that no node uses for training."""
    return _samples(0, shift=0.0)


def _predict(model: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(features @ model["weights"] + model["bias"], -30, 30)))


def evaluate(model: dict[str, np.ndarray], data: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Mean log loss and accuracy."""
    features, labels = data
    guess = np.clip(_predict(model, features), 1e-12, 1 - 1e-12)
    loss = -np.mean(labels * np.log(guess) + (1 - labels) * np.log(1 - guess))
    return float(loss), float(np.mean((guess > 0.5) == (labels > 0.5)))


def train(
    model: dict[str, np.ndarray],
    data: tuple[np.ndarray, np.ndarray],
    learning_rate: float,
    proximal_mu: float = 0.0,
    steps: int = 20,
) -> dict[str, np.ndarray]:
    """Gradient descent on all samples. `proximal_mu` pulls towards the model of the beginning of the round (FedProx)."""
    features, labels = data
    start, model = model, {name: values.copy() for name, values in model.items()}
    for _ in range(steps):
        error = _predict(model, features) - labels
        gradient = {"weights": features.T @ error / len(labels), "bias": np.array([error.mean()])}
        for name in model:
            pull = proximal_mu * (model[name] - start[name])
            model[name] -= learning_rate * (gradient[name] + pull)
    return model
