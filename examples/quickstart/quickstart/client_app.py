"""The ClientApp: trains and evaluates on this node's part of the data.

The samples are generated. An app that reads the data of a site opens the folder of the node config:

    folder = Path(str(context.node_config["data-path"]))
    table = np.loadtxt(folder / "samples.csv", delimiter=",")

This is /opt/flower/data: root of the SuperNode adds files, ClientApps can only read them. FL_NODE_CONFIG="data-path=/srv/b"
selects another folder.
"""

from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from quickstart.task import evaluate, load_partition, train

app = ClientApp()


def _model(message: Message):
    return {name: array.numpy() for name, array in message.content["arrays"].items()}


def _data(context: Context):
    node = context.node_config
    missing = [key for key in ("partition-id", "num-partitions") if key not in node]
    if missing:
        raise ValueError(f"the node config of this SuperNode lacks {' and '.join(missing)} (see FL_NODE_CONFIG)")
    return load_partition(int(node["partition-id"]), int(node["num-partitions"]))


@app.train()
def on_train(message: Message, context: Context) -> Message:
    """One round on this node."""
    data = _data(context)
    learning_rate = float(context.run_config["client-lr"])
    # FedProx sends its proximal term with the configuration of the round.
    proximal_mu = float(message.content["config"].get("proximal-mu", 0.0))
    model = train(_model(message), data, learning_rate, proximal_mu)
    loss, _ = evaluate(model, data)
    content = RecordDict(
        {
            "arrays": ArrayRecord({name: Array(values) for name, values in model.items()}),
            "metrics": MetricRecord({"train_loss": loss, "num-examples": len(data[1])}),
        }
    )
    return Message(content=content, reply_to=message)


@app.evaluate()
def on_evaluate(message: Message, context: Context) -> Message:
    """How good the shared model is on this node's data."""
    data = _data(context)
    loss, accuracy = evaluate(_model(message), data)
    metrics = MetricRecord({"eval_loss": loss, "eval_accuracy": accuracy, "num-examples": len(data[1])})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=message)
