"""A unit's SFTP server, run as a process of its own: ``sftp_partner.py FOLDER PUBLIC_KEY``.

The user ``hub`` comes in with the password ``p@ss`` or that key, and sees only the folder. Prints its port and its host
key as one JSON line when it listens; hangs up on everyone for each line that it reads.
"""

from __future__ import annotations

import asyncio
import json
import sys

import asyncssh

USER, PASSWORD = "hub", "p@ss"


CONNECTIONS: set[asyncssh.SSHServerConnection] = set()


class Server(asyncssh.SSHServer):
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        CONNECTIONS.add(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == asyncssh.import_public_key(sys.argv[2])


async def main() -> None:
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=sys.argv[1].encode()),
        allow_scp=False,
    )
    told = {"port": server.get_port(), "host_key": host_key.export_public_key().decode().strip()}
    print(json.dumps(told), flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        for connection in CONNECTIONS:
            connection.abort()
        CONNECTIONS.clear()


if __name__ == "__main__":
    asyncio.run(main())
