from tests.program import Program, eventually

ROUTES = """\
http:
  routers: {blog: {rule: "Host(`blog.lan`)", service: blog}}
  services: {blog: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


def test_a_start_says_in_sentences_what_it_has_found_and_where_it_is_seen(tmp_path):
    routes = tmp_path / "routes.yaml"
    routes.write_text(ROUTES)
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--log-format", "console")
    with Program(tmp_path / "data", *flags, "--entrypoint", "six=[::1]:0") as program:
        opened = f"opened https://blog.lan:{program.websecure} -> http://127.0.0.1:9 router=blog@file"
        eventually(lambda: opened in program.log)
        assert f", data in {tmp_path / 'data'}\n" in program.log
        assert f"info    web listens on 127.0.0.1:{program.web}\n" in program.log
        assert "info    six listens on [::1]:" in program.log
        assert f"info    dashboard http://127.0.0.1:{program.dashboard}/\n" in program.log
        routes.write_text("http: {}\n")
        eventually(lambda: f"closed https://blog.lan:{program.websecure} router=blog@file" in program.log)
