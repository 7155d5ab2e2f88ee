"""Django's PostgreSQL backend, on the embedded server: the first query starts it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base, client
from django.db.utils import OperationalError

from mysetlist import embedded


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the wheel's psql: the machine may have none."""

    connection: "DatabaseWrapper"

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, env = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(embedded.program("psql")), *arguments[1:]], env

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.attach()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.attach()
        try:
            return super().get_new_connection(conn_params)
        except self.Database.OperationalError:
            # The server may have gone since this process attached: killed, stopped, its folder deleted.
            self.attach(again=True)
            return super().get_new_connection(conn_params)

    def attach(self, *, again: bool = False) -> None:
        options = self.settings_dict.get("EMBEDDED_OPTIONS", {})
        try:
            embedded.attach(Path(self.settings_dict["EMBEDDED_FOLDER"]), again=again, **options)
        except embedded.EmbeddedPostgresError as error:
            raise OperationalError(str(error)) from error
