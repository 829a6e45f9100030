# MySQL's binaries from Debian's own packages, for where no registry answers. No data directory is made: the seed comes on top.
#
#   BASE     a minimal Debian of the suite that has this version
#   VERSION  the version that the suite's package must have
ARG BASE
FROM ${BASE}
ARG VERSION

# The core packages are the binaries alone: no service, no account of the package's own. tzdata is what the time zone
# tables are loaded from; where Debian splits the old names off, both parts of it.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends mysql-server-core mysql-client-core \
        $(apt-cache search --names-only '^tzdata(-legacy)?$' | cut -d" " -f1) \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
    && groupadd --system mysql \
    && useradd --system --gid mysql --home-dir /nonexistent --shell /usr/sbin/nologin mysql
