ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
RUN python3 -m venv /opt/app \
    && /opt/app/bin/pip install --quiet --no-cache-dir --disable-pip-version-check 'wsgidav==4.*' cheroot
RUN install -d /srv/dav
EXPOSE 8080
CMD ["/opt/app/bin/wsgidav", "--host=0.0.0.0", "--port=8080", "--root=/srv/dav", "--auth=anonymous"]
