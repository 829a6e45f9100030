# The seed: a data directory that was initialised once, when the image was built. A primary and its replicas start from the same
# one, so a replica follows its primary from the first moment, with nothing to copy before.
#
#   SOURCE    any image with the server's binaries: postgres:17, postgis/postgis, mysql:9.7, or what debian.Dockerfile makes.
#             Official images declare a VOLUME at their own data directory, whose contents no image keeps: the seed lies
#             elsewhere.
#   ACCOUNT   the user of SOURCE that the server runs as
#   VERSION   the version that SOURCE must have
ARG SOURCE
FROM ${SOURCE}
ARG ACCOUNT
ARG VERSION

USER root
COPY . /opt/harness/
RUN mkdir -p /srv/harness && chown ${ACCOUNT} /srv/harness

USER ${ACCOUNT}
RUN sh /opt/harness/seed.sh ${VERSION}

WORKDIR /srv/harness
STOPSIGNAL SIGTERM
ENTRYPOINT ["sh", "/opt/harness/entry.sh"]
CMD []
