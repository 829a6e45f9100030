"""All use of Docker.

No module outside this package imports ``docker`` or ``testcontainers``.
``client`` finds the engine and connects to it, ``images`` and ``install`` make images, ``containers`` owns networks and removal,
``server`` and ``runner`` the containers of a run, ``watchdog`` removes those of a run that was killed.
"""
