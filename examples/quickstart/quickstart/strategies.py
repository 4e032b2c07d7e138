"""The strategies of FL_STRATEGY, from the run config that flower-context writes."""

from flwr.serverapp.strategy import Bulyan, FedAdam, FedAvg, FedProx, FedTrimmedAvg, Krum, Strategy

# How many replies a strategy needs to aggregate, for a number of malicious clients.
NEEDED = {"Krum": lambda bad: 2 * bad + 3 if bad else 1, "Bulyan": lambda bad: 4 * bad + 3}


def make_strategy(config: dict) -> Strategy:
    """The strategy of this run. Raises ValueError if settings contradict each other."""
    name, malicious = str(config["strategy"]), int(config["num-malicious"])
    clients = {
        "min_train_nodes": int(config["min-fit-clients"]),
        "min_evaluate_nodes": int(config["min-evaluate-clients"]),
        "min_available_nodes": int(config["min-available-clients"]),
    }
    if name in NEEDED and clients["min_train_nodes"] < NEEDED[name](malicious):
        raise ValueError(
            f"{name} with num-malicious = {malicious} needs {NEEDED[name](malicious)} clients in each round, "
            f"and min-fit-clients (FL_MIN_FIT_CLIENTS) is {clients['min_train_nodes']}"
        )
    makers = {
        "FedAvg": lambda: FedAvg(**clients),
        "FedProx": lambda: FedProx(**clients, proximal_mu=float(config["proximal-mu"])),
        "FedAdam": lambda: FedAdam(**clients, eta=float(config["server-lr"]), eta_l=float(config["client-lr"])),
        "Krum": lambda: Krum(**clients, num_malicious_nodes=malicious),
        "Bulyan": lambda: Bulyan(**clients, num_malicious_nodes=malicious),
        "FedTrimmedAvg": lambda: FedTrimmedAvg(**clients, beta=float(config["trim-beta"])),
    }
    if name not in makers:
        raise ValueError(f"no strategy has the name {name!r}; choose one of {', '.join(makers)}")
    return makers[name]()
