"""Which PostgreSQL, and what each connection to it is told."""

from pathlib import Path
from typing import Any

from environ import Env

from mysetlist import embedded

# Who falls silent in the middle of a transaction (frozen, cut off, without power) must not keep its locks: a relay's
# would stop all others. The server parts from it after as long as a worker's lease.
CONNECTION_OPTIONS = (
    "-c idle_in_transaction_session_timeout=60s"
    " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)


def database(url: str, folder: Path) -> dict[str, Any]:
    """The entry of DATABASES: the server of this address, or the embedded one with its data in `folder`.

    `options` in the address takes the place of ours, for poolers that allow none.
    """
    if url:
        found = Env.db_url_config(url, engine="django.db.backends.postgresql")
        options = found.setdefault("OPTIONS", {})
        for name in ("host", "port"):  # a socket's folder comes as ?host=; others look for it where a host is
            if said := options.pop(name, None):
                found[name.upper()] = str(said)
    else:
        found = {"ENGINE": "mysetlist.backend", "EMBEDDED_FOLDER": str(folder), "OPTIONS": {}}
        found |= embedded.connection_settings(folder)
    found["OPTIONS"].setdefault("options", CONNECTION_OPTIONS)
    return dict(found)
