from django.apps import AppConfig
from django.db import connections

SEEN = []


def see(execute, sql, params, many, context):
    SEEN.append(sql)
    return execute(sql, params, many, context)


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        connections["replica"].execute_wrappers.append(see)
