"""The ServerApp: rounds of FedAvg, or none, or with the interface of before Flower 1.21."""

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid, context):
    """What the settings of the run say."""
    config = context.run_config
    if config["print"]:
        print(str(config["print"]).encode().decode("unicode_escape"), flush=True)
    rounds, nodes = int(config["num-server-rounds"]), int(config["min-available-clients"])
    if config["strategy"] == "none":
        return
    if config["strategy"] == "legacy":
        legacy(grid, context, rounds, nodes)
        return
    minima = {"min_train_nodes": nodes, "min_evaluate_nodes": nodes, "min_available_nodes": nodes}
    FedAvg(**minima).start(grid=grid, initial_arrays=ArrayRecord([np.zeros(2)]), num_rounds=rounds)


def legacy(grid, context, rounds, nodes):
    """The strategies of flwr.server."""
    from flwr.common import ndarrays_to_parameters
    from flwr.server import LegacyContext, ServerConfig
    from flwr.server.strategy import FedAvg as Legacy
    from flwr.server.workflow import DefaultWorkflow

    minima = {"min_fit_clients": nodes, "min_evaluate_clients": nodes, "min_available_clients": nodes}
    strategy = Legacy(**minima, initial_parameters=ndarrays_to_parameters([np.zeros(2)]))
    DefaultWorkflow()(grid, LegacyContext(context, ServerConfig(num_rounds=rounds), strategy))
