"""Not a test: the web server in a process of its own, on the database of the test that starts it.

Called as `python -m tests.syncjobs.web_process <database> <port> <token> [<NAME=number of syncjobs.streams> …]`.
"""

import sys

import django
import uvicorn


def main(database: str, port: str, token: str, *limits: str) -> None:
    django.setup()
    from django.conf import settings
    from django.db import connection

    from mysetlist.asgi import application
    from mysetlist.rights import digest
    from syncjobs import streams

    connection.settings_dict["NAME"] = database
    settings.OPERATOR_TOKENS = {"test": digest(token)}
    for limit in limits:
        name, _, number = limit.partition("=")
        setattr(streams, name, type(getattr(streams, name))(number))
    uvicorn.run(
        application, host="127.0.0.1", port=int(port), lifespan="off", log_level="warning", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
