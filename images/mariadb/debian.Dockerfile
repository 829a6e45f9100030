# MariaDB's binaries from Debian's own packages, for where no registry answers. No data directory is made: the seed comes on top.
#
#   BASE     a minimal Debian of the suite that has this version
#   VERSION  the version that the suite's package must have
ARG BASE
FROM ${BASE}
ARG VERSION

# The core packages are the binaries alone: no service, no account of the package's own. Two tools are in the others, which
# would bring perl, rsync and a service along: they are taken out of them. tzdata is what the time zone tables are loaded
# from; where Debian splits the old names off, both parts of it.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends mariadb-server-core mariadb-client-core \
        $(apt-cache search --names-only '^tzdata(-legacy)?$' | cut -d' ' -f1) \
    && cd /tmp && apt-get download mariadb-server mariadb-client \
    && for package in mariadb-server mariadb-client; do \
        dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C / --wildcards './usr/bin/mariadb-*'; \
    done \
    && rm -rf /tmp/*.deb /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
    && groupadd --system mysql \
    && useradd --system --gid mysql --home-dir /nonexistent --shell /usr/sbin/nologin mysql
