"""The environment of a local server: this process's own, without what names other servers."""

from harness.host.local.environment import environment_of, socket_variables


def test_variables_of_other_servers_and_of_the_harness_stay_out() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "PGHOST": "db",
        "PGDATA": "/var/lib",
        "MYSQL_HOME": "/etc",
        "LD_PRELOAD": "x",
        "TMPDIR": "/t",
        "LANG": "de_DE.UTF-8",
        "HARNESS_RUNNER": "host",
        "PYTHONPATH": "src",
    }
    environment = environment_of(["/pg/bin", "/more"], {"LD_LIBRARY_PATH": "/pg/lib"}, environ)
    assert environment == {
        "PATH": "/pg/bin:/more:/bin",
        "HOME": "/home/me",
        "LD_LIBRARY_PATH": "/pg/lib",
        "LC_ALL": "C",
    }


def test_clients_find_the_socket_by_variables() -> None:
    assert socket_variables("/dev/shm/s", 5433) == {
        "PGHOST": "/dev/shm/s",
        "PGPORT": "5433",
        "MYSQL_UNIX_PORT": "/dev/shm/s/mysqld.sock",
    }
