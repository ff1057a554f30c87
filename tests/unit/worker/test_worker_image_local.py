from pathlib import Path

import pytest

from worker.images import Source, obtain
from worker.images.errors import ImageChecksumError, ImageFormatError, ImageNotFoundError, ImagePathRefusedError
from worker.images.local import allowed_path
from worker.job import Task


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images/box").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "images/out").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "images"


def test_a_directory_is_used_where_it_is_and_counts_as_cached(images: Path, source: Source) -> None:
    image = obtain(Task(f"{images}/box"), source._replace(image_dirs=(str(images),)))
    assert image == (images / "box", "", True)


def test_a_directory_cannot_match_a_checksum(images: Path, source: Source) -> None:
    with pytest.raises(ImageFormatError, match="imageSha256"):
        obtain(Task(f"{images}/box", image_sha256="a" * 64), source._replace(image_dirs=(str(images),)))


@pytest.mark.parametrize("path", ["{0}/out", "{0}/../elsewhere", "{0}", "/etc", "/no/such/path", "{0}x/box"])
def test_a_path_that_leads_out_of_the_open_directories_is_refused_whether_or_not_it_exists(
    images: Path, path: str
) -> None:
    with pytest.raises(ImagePathRefusedError):
        allowed_path(path.format(images), [str(images)])


def test_without_open_directories_no_path_is_an_image(images: Path) -> None:
    with pytest.raises(ImagePathRefusedError, match="none"):
        allowed_path(f"{images}/box", [])


def test_a_path_below_an_open_directory_that_does_not_exist_is_not_found(images: Path) -> None:
    with pytest.raises(ImageNotFoundError):
        allowed_path(f"{images}/missing.sif", [str(images)])


def test_a_file_with_another_checksum_is_not_unpacked(images: Path, source: Source) -> None:
    (images / "x.sif").write_bytes(b"content")
    with pytest.raises(ImageChecksumError):
        obtain(Task(f"{images}/x.sif", image_sha256="a" * 64), source._replace(image_dirs=(str(images),)))


def test_a_job_resolves_an_image_once(images: Path, source: Source) -> None:
    here = source._replace(image_dirs=(str(images),))
    first = obtain(Task(f"{images}/box"), here)
    (images / "box").rename(images / "moved")
    assert obtain(Task(f"{images}/box", number=1), here) == first
