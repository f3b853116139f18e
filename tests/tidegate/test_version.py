"""Which version it is, without asking Python's own way where an installer has written it down."""

from importlib.metadata import version as installed

from tidegate.version import _installed_beside, _known_to_python, version


def test_what_an_installer_wrote_beside_the_package_counts(tmp_path):
    metadata = tmp_path / "tidegate-1.2.3.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.4\nName: tidegate\nVersion: 1.2.3\n\nVersion: of the README\n")
    (tmp_path / "tidegate_plugin-9.dist-info").mkdir()
    (tmp_path / "tidegate_plugin-9.dist-info" / "METADATA").write_text("Version: 9\n")
    assert _installed_beside(tmp_path) == "1.2.3"


def test_where_nothing_is_written_python_is_asked(tmp_path):
    assert _installed_beside(tmp_path) == ""
    assert _known_to_python() == installed("tidegate") == version()
