# SPDX-License-Identifier: GPL-3.0-or-later
"""CURVE keys for tests: certificates as the daemon reads them."""

import os

import zmq

METADATA = """\
metadata
{fields}
"""
CURVE = """\
curve
    public-key = "{public}"
"""


def write_certificate(path, public, secret=None, **metadata):
    """A certificate file; with a secret its mode is 0600."""
    fields = "\n".join(f'    {name} = "{value}"' for name, value in metadata.items())
    text = METADATA.format(fields=fields) + CURVE.format(public=public.decode())
    if secret is not None:
        text += f'    secret-key = "{secret.decode()}"\n'
    temporary = f"{os.path.dirname(path)}/.{os.path.basename(path)}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
              encoding="utf-8") as file:
        file.write(text)
    os.rename(temporary, path)
    return path


class Keys:
    """The daemon's key and those of its clients, in a folder of the test's."""

    def __init__(self, folder):
        self.folder = folder
        self.public_folder = f"{folder}/keys"
        self.secret_folder = f"{folder}/secret"
        for path in (self.public_folder, self.secret_folder):
            os.mkdir(path, 0o700)
        public, secret = zmq.curve_keypair()
        self.server_key = public.decode()
        self.server_file = write_certificate(f"{folder}/server.secret", public, secret)

    def public_file(self, name):
        return f"{self.public_folder}/{name}.key"

    def add(self, name, role="frontend", tenant="north", **metadata):
        """A key that the daemon knows once it reads its folder; the options for a Client."""
        public, secret = zmq.curve_keypair()
        write_certificate(self.public_file(name), public, name=name, role=role, tenant=tenant,
                          **metadata)
        return self.options(name, public, secret)

    def stranger(self, name):
        """A key that the daemon does not know."""
        return self.options(name, *zmq.curve_keypair())

    def options(self, name, public, secret):
        path = write_certificate(f"{self.secret_folder}/{name}", public, secret)
        return {"server_key": self.server_key, "key": path}

    def remove(self, name):
        os.remove(self.public_file(name))
