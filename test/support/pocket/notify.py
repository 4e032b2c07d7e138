"""The datagram socket of sd_notify(3), with the sender's pid as the kernel tells it."""

import array
import itertools
import os
import socket
import struct

LONGEST_PATH = 100  # sun_path holds 108 bytes
serial = itertools.count()


class NotifySocket:
    def __init__(self, root, unit):
        path = os.path.join(root, "run/systemd", f"notify-{unit}-{next(serial)}")
        self.path = path if len(path) <= LONGEST_PATH else None
        self.address = path if self.path else f"@pocket-systemd-{os.getpid()}-{unit}-{next(serial)}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        if self.path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.socket.bind(path)
            os.chmod(path, 0o666)
        else:
            self.socket.bind("\0" + self.address[1:])

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()
        if self.path:
            os.unlink(self.path)

    def receive(self):
        """(pid of the sender, {'READY': '1', ...}), or (0, None) when nothing is there."""
        space = socket.CMSG_SPACE(struct.calcsize("3i")) + socket.CMSG_SPACE(4 * 16)
        try:
            data, ancillary, _flags, _sender = self.socket.recvmsg(65536, space)
        except BlockingIOError:
            return 0, None
        pid = 0
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                pid, _uid, _gid = struct.unpack("3i", content[:12])
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                # BARRIER=1: systemd-notify waits until we have closed the descriptor that it sent along.
                descriptors = array.array("i", content[: len(content) - len(content) % 4])
                for descriptor in descriptors:
                    os.close(descriptor)
        pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
        return pid, {key: value for key, _, value in pairs}
