"""The ClientApp: serves the tests on the SuperNode."""

from flwr.app import Message, RecordDict
from flwr.clientapp import ClientApp

from attacker.foothold import serve

app = ClientApp()


@app.query()
def on_query(message, _context):
    """Ends when a test says so."""
    serve()
    return Message(RecordDict(), reply_to=message)
