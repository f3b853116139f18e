from pathlib import Path

import pytest

from tidegate.volume import not_kept

ROOT = "1 0 0:45 / / rw,relatime - overlay overlay rw,lowerdir=/var\n2 1 0:48 / /proc rw - proc proc rw\n"
VOLUME = "9 1 8:1 /var/lib/docker/volumes/x/_data /data rw,relatime - ext4 /dev/sda1 rw\n"
BIND = "9 1 8:1 /srv/my\\040data /srv/my\\040data rw - btrfs /dev/sda1 rw\n"
MEMORY = "9 1 0:50 / /data rw - tmpfs tmpfs rw\n"


@pytest.mark.parametrize(
    ("data", "mounts", "kept"),
    [
        ("/data", ROOT + VOLUME, True),
        ("/data/below/it", ROOT + VOLUME, True),
        ("/srv/my data", ROOT + BIND, True),
        ("/data", ROOT, False),
        ("/database", ROOT + VOLUME, False),
        ("/data", ROOT + MEMORY, False),
        ("/data", ROOT + VOLUME + MEMORY, False),
        ("/data", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", False),  # a container's root on a plain disk
        ("/data", "", True),  # nothing is known: nothing is refused
        ("/data", "nonsense\n- - -\n", True),
    ],
)
def test_what_goes_with_the_container_is_told_with_the_lines_that_help(data, mounts, kept):
    said = not_kept(Path(data), in_container=True, mounts=mounts)
    advice = (f'volumes: ["tidegate-data:{data}"]', f"-v tidegate-data:{data} ", "--data DIRECTORY")
    assert said == "" if kept else all(each in said for each in advice)


def test_outside_of_a_container_everything_is_kept():
    assert not_kept(Path("/data"), in_container=False, mounts=ROOT) == ""
