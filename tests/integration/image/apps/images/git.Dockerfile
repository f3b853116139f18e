ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends git lighttpd >/dev/null
# As git-http-backend(1) says, with pushing allowed: who may is not what is looked at here.
RUN git init --quiet --bare /srv/git/site.git && git -C /srv/git/site.git config http.receivepack true \
    && chown -R www-data:www-data /srv/git
RUN printf '%s\n' \
    'server.modules = ("mod_alias", "mod_setenv", "mod_cgi")' \
    'server.port = 8000' \
    'server.username = "www-data"' \
    'server.groupname = "www-data"' \
    'server.document-root = "/srv"' \
    'alias.url = ("/git" => "/usr/lib/git-core/git-http-backend")' \
    '$HTTP["url"] =~ "^/git" {' \
    '  cgi.assign = ("" => "")' \
    '  setenv.add-environment = ("GIT_PROJECT_ROOT" => "/srv/git", "GIT_HTTP_EXPORT_ALL" => "")' \
    '}' > /etc/lighttpd/git.conf
EXPOSE 8000
CMD ["lighttpd", "-D", "-f", "/etc/lighttpd/git.conf"]
