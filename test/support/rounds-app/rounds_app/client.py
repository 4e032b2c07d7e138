"""The ClientApp: raises on all nodes, on one, or waits."""

import time

from flwr.app import Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


def _act(order, context):
    if order == "raise" or order == f"raise {context.node_config.get('partition-id')}":
        raise ValueError("no data\nin /srv/b")
    if order.startswith("sleep "):
        time.sleep(float(order.removeprefix("sleep ")))


@app.train()
def on_train(message, context):
    """The model of the round as it came."""
    _act(str(context.run_config["train"]), context)
    metrics = MetricRecord({"num-examples": 1})
    return Message(content=RecordDict({"arrays": message.content["arrays"], "metrics": metrics}), reply_to=message)


@app.evaluate()
def on_evaluate(message, context):
    """One number."""
    _act(str(context.run_config["evaluate"]), context)
    return Message(content=RecordDict({"metrics": MetricRecord({"loss": 0.5, "num-examples": 1})}), reply_to=message)
