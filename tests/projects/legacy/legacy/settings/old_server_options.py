"""Options that name the old server, its certificates and its sockets: of no use with another."""

from legacy.settings.shared import *
from legacy.settings.shared import replica, server

DATABASES = {
    "default": server(
        OPTIONS={
            "service": "library",
            "host": "/var/run/postgresql",
            "sslmode": "verify-full",
            "sslrootcert": "/etc/ssl/library-root.crt",
            "sslcert": "/etc/ssl/library.crt",
            "sslkey": "/etc/ssl/library.key",
            "passfile": "/etc/library/pgpass",
            "application_name": "library",
            "connect_timeout": 10,
        }
    ),
    "replica": replica(TEST_MIRROR="default", OPTIONS={"hostaddr": "192.0.2.10", "sslmode": "require"}),
}
MIRRORS = {"replica": "default"}
