"""Prints what comes to a notification socket, one line per datagram. Usage: notify-socket.py PATH ('@name': abstract)"""

import socket
import sys

name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    print(receiver.recv(4096).decode().replace("\n", "|"), flush=True)
