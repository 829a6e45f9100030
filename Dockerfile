# The runner's image: Python, a user that is not root, and what a Django project commonly needs from the system.
#
# BASE is an official python:3.x-slim image, or a Debian that has the wanted Python as its own python3. The project's
# dependencies come on top of this image, see docs/design/0003-project-image.md; nothing is fetched from PyPI here.
ARG BASE
FROM ${BASE}

# To run: what wheels link to, message catalogues, time zones, certificates, git for requirements that name a repository.
# To build: psycopg2, mysqlclient and the like come as source. An official image has its own Python and its headers.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    python=; \
    command -v python3 >/dev/null || python='python3 python3-venv python3-dev'; \
    apt-get update; \
    apt-get install -y --no-install-recommends \
        $python \
        ca-certificates gettext git libjpeg62-turbo libmariadb-dev libpq-dev libxml2 libxslt1.1 mailcap media-types \
        gcc libc6-dev libffi-dev pkg-config tzdata; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

ENV LANG=C.UTF-8 \
    LC_ALL=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin:/opt/harness-project/bin

# The runner owns its environment: commands that install the project's dependencies need no root, and get none.
RUN set -eu; \
    groupadd --gid 10001 runner; \
    useradd --uid 10001 --gid 10001 --create-home --shell /bin/sh runner; \
    install -d -o runner -g runner /opt/venv /project

# The project's own metadata and scripts come with its files, see harness/host/launch/distribution.py.
USER runner
RUN set -eu; \
    python3 -m venv /opt/venv; \
    for packages in /opt/venv/lib/python3*/site-packages; do \
        echo 'import site; site.addsitedir("/opt/harness-project")' >"$packages/harness-project.pth"; \
    done

WORKDIR /project
CMD ["python3"]
