"""PyMySQL in the place of mysqlclient, which this environment does not have."""

import pymysql

pymysql.version_info = (2, 2, 7, "final", 0)  # Django asks for a version of mysqlclient
pymysql.install_as_MySQLdb()
