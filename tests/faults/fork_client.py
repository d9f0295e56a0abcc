"""Client of the fork server: run a command with the file descriptors of this process, and exit with its exit code.

Usage: `python -I -S fork_client.py SOCKET ARGUMENT...`, once per command of a shell line. It starts quickly, because
it imports few modules.
"""

import _socket
import os
import signal
import sys


def is_open(descriptor: int) -> bool:
    """Return whether a descriptor is open."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def main() -> None:
    """Send the request, wait for the end of the command, and exit with its exit code or signal."""
    path, *arguments = sys.argv[1:]
    descriptors = [number for number in range(256) if is_open(number)]
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(path)
    request = {
        "arguments": arguments,
        "directory": os.getcwd(),  # noqa: PTH109 - pathlib takes longer to import than all else here
        "environment": dict(os.environ),
        "descriptors": descriptors,
    }
    numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
    content = ascii(request).encode() + b"\n"
    sent = connection.sendmsg([content], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)])
    connection.sendall(content[sent:])
    answer = b""
    while answer.count(b"\n") < 2:
        more = connection.recv(100)
        assert more, "the fork server has ended"
        answer += more
    status = int(answer.split(b"\n")[1])
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
