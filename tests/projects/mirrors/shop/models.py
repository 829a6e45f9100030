from django.db import connections, models

ROLE = {
    "postgresql": "SELECT pg_is_in_recovery(), inet_server_addr()::text || ':' || inet_server_port()",
    "mysql": "SELECT @@read_only, CONCAT_WS(' ', @@hostname, @@port, @@datadir)",
}
SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


class Item(models.Model):
    name = models.CharField(max_length=20, unique=True)


def row(alias, sql):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def is_replica(alias):
    return bool(row(alias, ROLE[connections[alias].vendor])[0])


def server(alias):
    return row(alias, ROLE[connections[alias].vendor])[1]


def session(alias):
    return row(alias, SESSION[connections[alias].vendor])[0]
