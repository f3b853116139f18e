from compose.image.building import told


def test_a_base_that_no_registry_gives_is_told_with_what_needs_none():
    error = 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host\n'
    assert told(error, "Step 1/9 : ARG BASE\n") == (
        'The base cannot be had: Get "https://registry.example/v2/": dial tcp: lookup registry.example:'
        " no such host\nmake image BASE=debian needs no registry."
    )


def test_any_other_failure_is_told_with_what_was_done_before():
    assert told("exit status 1", "Step 3/9 : RUN make\n") == "Step 3/9 : RUN make\nexit status 1"
