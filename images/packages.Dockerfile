# Debian packages that the configuration adds to a server: extensions, such as postgresql-17-postgis-3.
#
#   SOURCE    an image with the server's binaries: postgres:17, or what debian.Dockerfile makes
#   PACKAGES  the names of the packages, with spaces between them
ARG SOURCE
FROM ${SOURCE}
ARG PACKAGES

USER root
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
