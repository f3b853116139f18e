from proxy.access_log import CLIENT_LEFT, Tally


def test_a_tally_says_how_long_the_request_took():
    tally = Tally("web", "192.0.2.1", started=100.0, method="GET", host="blog.test", path="/a")
    tally.status = 200
    tally.bytes_out = 12
    told = tally.ended(now=100.25)
    assert (told.duration, told.status, told.bytes_out, told.path) == (0.25, 200, 12, "/a")


def test_a_request_without_an_answer_is_one_whose_client_left():
    assert Tally("web", "192.0.2.1", started=1.0).ended(now=2.0).status == CLIENT_LEFT
