from worker import ads, machine

MACHINE = """Cpus = 4
Memory = 2048
Disk = 10485760
ProminenceSite = "a \\"quoted\\" site"
ProminenceImageDirs = "/images:/cvmfs"
Start = (TARGET.Owner == "x")
LoadAvg = 2.5E-01
HasThing = true
a line of no meaning
"""
CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Some CPU @ 2.0GHz: the second
cpu MHz\t\t: 2000.5

processor\t: 1
vendor_id\t: Other
"""


def test_literals_of_an_ad_become_values_and_expressions_stay_text() -> None:
    ad = ads.parse(MACHINE)
    assert ad["cpus"] == 4
    assert ad["loadavg"] == 0.25
    assert ad["hasthing"] is True
    assert ad["prominencesite"] == 'a "quoted" site'
    assert ad["start"] == '(TARGET.Owner == "x")'


def test_names_of_attributes_ignore_case_and_missing_ones_are_empty() -> None:
    ad = ads.parse(MACHINE)
    assert ads.number(ad, "CPUS") == 4
    assert ads.string(ad, "clusterid") == ""
    assert ads.number(ad, "clusterid") == 0


def test_without_a_path_the_ad_is_empty() -> None:
    assert ads.read(None) == {}


def test_a_machine_is_described_in_gigabytes_with_its_first_processor() -> None:
    here = machine.describe(ads.parse(MACHINE), CPUINFO, "w1")
    assert (here.cpus, here.memory, here.disk) == (4, 2.0, 10.0)
    assert here.image_dirs == ("/images", "/cvmfs")
    assert here.cpu == {"vendor": "GenuineIntel", "model": "Some CPU @ 2.0GHz: the second", "clock": 2000.5}


def test_a_processor_that_says_nothing_is_described_as_nothing() -> None:
    assert machine.processor("") == {"vendor": "", "model": "", "clock": 0.0}
