"""The ServerApp: rounds of training, the loss on samples that no node trains on, checkpoints."""

import os
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from quickstart.strategies import make_strategy
from quickstart.task import evaluate, initial_model, load_test_set

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """One run, from the run config."""
    config = context.run_config
    rounds = int(config["num-server-rounds"])
    strategy = make_strategy(config)
    test_set = load_test_set()

    def after_round(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        model = {name: array.numpy() for name, array in arrays.items()}
        due = server_round % int(config["checkpoint-interval"]) == 0 or server_round == rounds
        if config["checkpoint-enabled"] and server_round > 0 and due:
            save(Path(str(config["checkpoint-path"])), server_round, model)
        loss, accuracy = evaluate(model, test_set)
        return MetricRecord({"test_loss": loss, "test_accuracy": accuracy})

    strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord({name: Array(values) for name, values in initial_model().items()}),
        num_rounds=rounds,
        evaluate_fn=after_round,
    )


def save(folder: Path, server_round: int, model: dict[str, np.ndarray]) -> None:
    """Writes round-NNNN.npz in one step: no other process sees a part of it."""
    if not folder.is_absolute():
        raise ValueError(f"checkpoint-path must be an absolute path, and is {str(folder)!r}")
    folder.mkdir(parents=True, exist_ok=True)
    beside, final = folder / f".round-{server_round:04}.npz", folder / f"round-{server_round:04}.npz"
    np.savez(beside, **model)
    os.replace(beside, final)
    print(f"checkpoint of round {server_round}: {final}")
