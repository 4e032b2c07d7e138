"""The calls of a SuperNode to the Fleet API over HTTP: path and the name of the call. The same in Flower 1.40 to 1.42."""

PREFIX = "/v1/fleet/"
CALLS = {
    PREFIX + "-".join(word.lower() for word in words.split()): words.replace(" ", "")
    for words in (
        "Register Node",
        "Activate Node",
        "Deactivate Node",
        "Unregister Node",
        "Send Node Heartbeat",
        "Pull Messages",
        "Push Messages",
        "Get Run",
        "Get Fab",
        "Push Object",
        "Pull Object",
        "Confirm Message Received",
    )
}
