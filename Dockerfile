# stackscan as an image (docs/install.md says how to run it). Build it at the root of the repository:
#
#   docker build -t stackscan .                              # all commands
#   docker build -t stackscan-watch --target watch .         # `stackscan watch`, with a health check
#   docker build --build-arg EXTRAS=objects,store .          # with what the extras need
#
# It runs as nobody, and needs to write nowhere: its root can be read-only.
FROM python:3.13-slim AS build
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY grammars grammars
COPY share share
COPY stackscan stackscan
# pip compiles what it installs: nothing could be written beside it later, and each start would compile it anew.
RUN python -m venv /opt/stackscan \
    && /opt/stackscan/bin/pip install --no-cache-dir --compile ".${EXTRAS:+[$EXTRAS]}" \
    && /opt/stackscan/bin/pip uninstall --yes pip

FROM python:3.13-slim AS program
COPY --from=build /opt/stackscan /opt/stackscan
# What is kept between starts, to start faster, goes to /tmp; it can be a volume, and need not be writable.
ENV PATH=/opt/stackscan/bin:$PATH STACKSCAN_CACHE_DIR=/tmp/stackscan
USER 65534:65534
WORKDIR /dumps

FROM program AS watch
USER 0:0
RUN install -d -o 65534 -g 65534 /captures
USER 65534:65534
WORKDIR /captures
VOLUME /captures
EXPOSE 9464
# Healthy: the watcher answers. What it says of the processes is in the metrics.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 9464, timeout=4); c.request('GET', '/metrics'); exit(c.getresponse().status != 200)"]
# SIGTERM ends it within a second, with exit code 0.
ENTRYPOINT ["stackscan", "watch", "--format", "json", "--metrics", "0.0.0.0:9464"]
CMD ["--help"]

FROM program
ENTRYPOINT ["stackscan"]
CMD ["--help"]
