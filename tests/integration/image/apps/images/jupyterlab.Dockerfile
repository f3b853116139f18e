ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
RUN python3 -m venv /opt/app && /opt/app/bin/pip install --quiet --no-cache-dir --disable-pip-version-check 'jupyterlab==4.6.*'
RUN install -d /work
WORKDIR /work
# A kernel writes its secrets to HOME; whoever opens the page has said the token.
ENV HOME=/work JUPYTER_TOKEN=tidegate-token
EXPOSE 8888
CMD ["/opt/app/bin/jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", "--allow-root"]
