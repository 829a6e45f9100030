# PostgreSQL's binaries from Debian's own packages, for where no registry answers. No cluster is made: the seed comes on top.
#
#   BASE     a minimal Debian of the suite that has this version
#   VERSION  the major version of the package
ARG BASE
FROM ${BASE}
ARG VERSION

# The package would make a cluster when it is installed; its configuration, which says not to, comes with another one
# before it. en_US.UTF-8 is the official images' locale: text sorts the same whichever image is under the seed.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends postgresql-common locales \
    && sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
    && localedef -i en_US -f UTF-8 en_US.UTF-8 \
    && apt-get install -y --no-install-recommends "postgresql-${VERSION}" \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

ENV PATH=/usr/lib/postgresql/${VERSION}/bin:$PATH
