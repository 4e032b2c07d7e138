"""The ServerApp: starts the ClientApp on every node, then serves the tests itself, on the SuperLink."""

import time

from flwr.app import Message, RecordDict
from flwr.serverapp import ServerApp

from attacker.foothold import serve

app = ServerApp()


@app.main()
def main(grid, _context):
    """Ends when a test says so; a ClientApp is asked to end separately."""
    while not (nodes := list(grid.get_node_ids())):
        time.sleep(0.2)
    grid.push_messages([Message(RecordDict(), dst_node_id=node, message_type="query") for node in nodes])
    serve()
