"""All use of Docker. No module outside this package imports ``docker`` or ``testcontainers``.

``engine`` finds the engine, ``build`` makes images, ``containers`` runs networks, servers and the runner.
"""
