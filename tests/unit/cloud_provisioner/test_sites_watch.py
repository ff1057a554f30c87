"""A folder of descriptions that changes: a bad file changes nothing, a half-written one neither, and each is said once."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from cloud_provisioner.sites import folder as disk
from cloud_provisioner.sites import watch
from cloud_provisioner.sites.catalogue import Content, Unreadable
from cloud_provisioner.sites.watch import SETTLE, Changes, Settling, Sites
from tests.unit.cloud_provisioner.site_texts import EGI, OPENSTACK, local, write


class Watched:
    """A folder, its sites, and a clock of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sites = Sites(folder)
        self.now = 0.0

    def look(self, after: float = 0.1) -> Changes:
        """What a look after so many seconds brings."""
        self.now += after
        return self.sites.refresh(self.now)

    def settled(self) -> Changes:
        """What has changed, once it has stood still."""
        first, second = self.look(), self.look(2 * SETTLE)
        assert first == Changes()
        return second

    def names(self) -> list[str]:
        """The sites in force."""
        return list(self.sites.sites)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A folder with the sites A and B, looked at once."""
    made = Watched(write(tmp_path, {"a.yaml": local("A", region="old"), "b.yaml": local("B")}))
    assert made.look() == Changes(added=("A", "B"))
    return made


def test_a_file_that_changes_adds_and_takes_away_sites_without_a_restart(watched: Watched) -> None:
    write(watched.folder, {"a.yaml": local("A", region="new"), "c.yaml": local("C")})
    (watched.folder / "b.yaml").unlink()
    assert watched.settled() == Changes(added=("C",), changed=("A",), removed=("B",))
    assert watched.sites.sites["A"].region == "new"
    assert watched.settled() == Changes()


def test_a_bad_file_leaves_the_old_version_in_force_and_is_told_once(watched: Watched) -> None:
    write(watched.folder, {"a.yaml": local("A", regio="new"), "b.yaml": local("B", region="new")})
    changes = watched.settled()
    assert changes.changed == ("B",), "another site goes on"
    assert [str(one).removeprefix(str(watched.folder)) for one in changes.news] == [
        "/a.yaml:1: note: is refused: the site as it was described before stays in force",
        "/a.yaml:5: regio: is not a known key: did you mean `region`?",
    ]
    assert watched.sites.sites["A"].region == "old"
    assert watched.settled().news == ()
    assert watched.sites.problems() == changes.news, "it can still be asked for"
    write(watched.folder, {"a.yaml": local("A", region="new")})
    assert watched.settled() == Changes(changed=("A",))
    assert watched.sites.problems() == ()


def test_a_new_bad_file_makes_no_site(watched: Watched) -> None:
    write(watched.folder, {"c.yaml": "name: C\n"})
    assert [problem.note for problem in watched.settled().news] == [False]
    assert watched.names() == ["A", "B"]


def test_no_part_of_a_file_that_is_being_written_is_taken(watched: Watched) -> None:
    """An editor empties the file, then writes it in pieces, some of which are complete descriptions."""
    text = local("A", region="new", limits="\n  cores: 640")
    for length in range(len(text) + 1):
        (watched.folder / "a.yaml").write_text(text[:length])
        assert watched.look(SETTLE / 2) == Changes()
    assert watched.look(2 * SETTLE) == Changes(changed=("A",))
    assert watched.sites.sites["A"].limits.cores == 640


def test_every_part_of_a_file_that_stands_still_is_refused_or_complete(watched: Watched) -> None:
    text = OPENSTACK.replace("name: A", "name: A2")
    write(watched.folder, {"a.yaml": OPENSTACK})
    watched.settled()
    for length in range(len(text)):
        (watched.folder / "a.yaml").write_text(text[:length])
        watched.look()
        watched.look(2 * SETTLE)
        assert len(watched.names()) == 2


def test_an_editor_that_replaces_the_file_takes_no_site_away(watched: Watched) -> None:
    (watched.folder / "a.yaml").unlink()
    assert watched.look(SETTLE / 2) == Changes()
    (watched.folder / "a.new").write_text(local("A", region="new"))
    (watched.folder / "a.new").rename(watched.folder / "a.yaml")
    assert watched.look(SETTLE / 2) == Changes()
    assert watched.look(2 * SETTLE) == Changes(changed=("A",))


def test_a_file_that_gets_another_name_keeps_its_site(watched: Watched) -> None:
    (watched.folder / "a.yaml").rename(watched.folder / "z.yaml")
    assert watched.settled() == Changes()
    assert watched.names() == ["A", "B"]


def test_a_folder_that_cannot_be_listed_changes_nothing(watched: Watched) -> None:
    elsewhere = watched.folder.with_name("elsewhere")
    watched.folder.rename(elsewhere)
    (told,) = watched.look().news
    assert "cannot be listed" in told.sentence
    for _ in range(3):
        assert watched.look(10 * SETTLE) == Changes()
    assert watched.names() == ["A", "B"]
    elsewhere.rename(watched.folder)
    assert watched.look(10) == Changes()
    assert watched.sites.problems() == ()


def test_too_many_files_change_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_FILES", 2)
    write(watched.folder, {"c.yaml": local("C")})
    says = "cannot be listed (more than 2 descriptions): take files away; until then the sites stay as they are"
    assert watched.look().news[0].sentence == says
    assert watched.names() == ["A", "B"]


def test_a_file_that_cannot_be_read_any_more_leaves_its_site_in_force(watched: Watched) -> None:
    (watched.folder / "a.yaml").unlink()
    os.mkfifo(watched.folder / "a.yaml")
    assert any("is not a regular file" in one.sentence for one in watched.settled().news)
    assert watched.names() == ["A", "B"]


def test_a_link_that_leads_to_itself_leaves_its_site_in_force_and_others_go_on(watched: Watched) -> None:
    (watched.folder / "a.yaml").unlink()
    (watched.folder / "a.yaml").symlink_to("a.yaml")
    write(watched.folder, {"b.yaml": local("B", region="new")})
    changes = watched.settled()
    assert changes.changed == ("B",)
    (wrong,) = (one for one in changes.news if not one.note)
    assert str(wrong).startswith(
        f"{watched.folder}/a.yaml:1: cannot be read (Too many levels of symbolic links): put a"
    )
    assert watched.names() == ["A", "B"]
    (watched.folder / "a.yaml").unlink()
    write(watched.folder, {"a.yaml": local("A", region="new")})
    watched.look()
    assert watched.look(2 * SETTLE).changed == ("A",)


def test_a_name_belongs_to_the_file_that_has_it(watched: Watched) -> None:
    write(watched.folder, {"0.yaml": local("A", region="thief"), "b.yaml": local("A", region="thief")})
    changes = watched.settled()
    assert (changes.added, changes.changed, changes.removed) == ((), (), ())
    wrong = [Path(one.file).name for one in changes.news if not one.note]
    assert wrong == ["0.yaml", "b.yaml"]
    assert watched.sites.sites["A"].region == "old"
    assert watched.names() == ["A", "B"], "B stays as it was"
    (watched.folder / "a.yaml").unlink()
    watched.settled()
    assert watched.sites.sites["A"].region == "thief"


def test_two_files_may_exchange_their_names(watched: Watched) -> None:
    write(watched.folder, {"a.yaml": local("B"), "b.yaml": local("A", region="new")})
    watched.settled()
    assert watched.names() == ["A", "B"]
    assert watched.sites.problems() == ()


def test_what_stands_beside_egis_files_changes_their_sites_and_no_others(tmp_path: Path) -> None:
    watched = Watched(write(tmp_path, EGI | {"own.yaml": local("OWN")}))
    assert watched.look().added == ("CENI", "OWN", "fedcloud.srce.hr")
    write(tmp_path, {"egi-defaults.yaml": "limits: {servers: 3}\n"})
    assert watched.settled().changed == ("CENI", "fedcloud.srce.hr")
    write(tmp_path, {"egi-defaults.yaml": "limits: {server: 3}\n", "own.yaml": local("OWN", region="x")})
    changes = watched.settled()
    assert changes.changed == ("OWN",)
    assert [Path(one.file).name for one in changes.news if not one.note] == ["egi-defaults.yaml"]
    assert watched.sites.sites["CENI"].limits.servers == 3
    says = "waits for egi-defaults.yaml to be corrected: the site as it was described before stays in force"
    waiting = [Path(one.file).name for one in changes.news if one.note and one.sentence == says]
    assert waiting == ["CENI.yaml", "SRCE.yaml"]


def test_only_files_that_changed_are_read(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(file: str) -> tuple[Content, disk.Signature]:
        read.append(Path(file).name)
        return disk.read(file)

    monkeypatch.setattr(watch, "disk", SimpleNamespace(listing=disk.listing, read=reading))
    write(watched.folder, {"b.yaml": local("B", region="new")})
    watched.settled()
    watched.look(5)
    assert read == ["b.yaml"]


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process has no descriptor left, of which the file itself shows nothing."""
    watched = Watched(write(tmp_path, {"a.yaml": local("A")}))

    def failing(file: str) -> tuple[Content, disk.Signature]:
        return Unreadable("cannot be read"), disk.read(file)[1]

    with monkeypatch.context() as failure:
        failure.setattr(watch, "disk", SimpleNamespace(listing=disk.listing, read=failing))
        assert [one.sentence for one in watched.look().news] == ["cannot be read"]
        assert watched.settled() == Changes()
    assert watched.look(2 * SETTLE) == Changes()
    assert watched.look(2 * SETTLE) == Changes(added=("A",))
    (tmp_path / "a.yaml").unlink()
    assert watched.settled() == Changes(removed=("A",))


def test_what_is_written_during_the_first_look_is_taken_at_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(write(tmp_path, {"a.yaml": local("A", tier="1")}))

    def torn(file: str) -> tuple[Content, disk.Signature]:
        content, _ = disk.read(file)
        write(tmp_path, {"a.yaml": local("A", tier="12")})
        return content, disk.read(file)[1]

    with monkeypatch.context() as race:
        race.setattr(watch, "disk", SimpleNamespace(listing=disk.listing, read=torn))
        watched.look()
    assert watched.sites.sites["A"].tier == 1
    assert watched.settled().changed == ("A",)
    assert watched.sites.sites["A"].tier == 12


def test_a_change_is_due_when_it_has_stood_still() -> None:
    settling = Settling()
    steps = [  # time, what the file looks like, whether it is due
        (0.0, 1, False),
        (0.9, 1, False),
        (1.0, 2, False),
        (1.9, 2, False),
        (2.0, 2, True),
    ]
    for now, looks, due in steps:
        assert settling.due({"f": (looks,)}, now, settle=1) == (["f"] if due else [])
    settling.take("f", (2,))
    assert settling.due({"f": (2,)}, 3, settle=1) == []
    assert settling.due({}, 4, settle=1) == []
    assert settling.due({"f": (2,)}, 5, settle=1) == [], "it came back"
    assert settling.due({}, 6, settle=1) == []
    assert settling.due({}, 7, settle=1) == ["f"]
