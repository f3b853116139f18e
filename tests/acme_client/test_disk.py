import os
import stat

from acme_client.disk import make_folder, make_private, replace_file, take_lock, wait_for_lock


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_files_and_folders_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b")
        replace_file(tmp_path / "a" / "b" / "key", b"secret")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b"), mode(tmp_path / "a" / "b" / "key")) == (
        0o700,
        0o700,
        0o600,
    )


def test_a_file_is_replaced_and_leaves_nothing_beside_it(tmp_path):
    replace_file(tmp_path / "file", b"old")
    replace_file(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_rights_that_a_copy_left_too_wide_are_taken_back(tmp_path):
    (tmp_path / "host").mkdir(mode=0o755)
    (tmp_path / "host").chmod(0o755)
    (tmp_path / "host" / "key").write_bytes(b"secret")
    (tmp_path / "host" / "key").chmod(0o644)
    (tmp_path / "host" / "current").symlink_to("key")
    assert set(make_private(tmp_path / "host")) == {tmp_path / "host", tmp_path / "host" / "key"}
    assert (mode(tmp_path / "host"), mode(tmp_path / "host" / "key")) == (0o700, 0o600)
    assert make_private(tmp_path / "host") == []


def test_a_lock_has_one_holder_and_can_be_handed_on(tmp_path):
    first = take_lock(tmp_path / "lock")
    assert first is not None
    assert take_lock(tmp_path / "lock") is None
    first.close()
    with wait_for_lock(tmp_path / "lock"):
        assert take_lock(tmp_path / "lock") is None
    assert take_lock(tmp_path / "lock") is not None


def test_a_lock_that_nobody_holds_any_more_is_free(tmp_path):
    take_lock(tmp_path / "lock")
    assert take_lock(tmp_path / "lock") is not None
