"""Descriptions of sites for the tests, and folders of them."""

from __future__ import annotations

from pathlib import Path

EGI = {
    "CENI.yaml": """---
gocdb: CENI
endpoint: https://openstack.ceni.org.cn:5000/v3
images:
  sync: true
  formats:
    - qcow2
    - raw
vos:
  - name: ops
    auth:
      project_id: 90c0ce1b2f1545c0b9a05d9a8fd45102
  - name: vo.access.egi.eu
    auth:
      project_id: b106744c783543518f505dda45632697
    defaultNetwork: private
""",
    "SRCE.yaml": """gocdb: fedcloud.srce.hr
endpoint: https://cloud.cro-ngi.hr:5000/v3
protocol: oidc
region: two
vos:
  - name: /biomed/vip
    auth:
      project_id: 12345e67890123456789012345678901
""",
    "vo-mappings.yaml.txt": """---
vos:
  ops: "urn:mace:egi.eu:group:ops:role=vm_operator#aai.egi.eu"
  /biomed/vip: "urn:mace:egi.eu: group:biomed:role=vm_operator#aai.egi.eu"
""",
}


def local(name: str, **more: object) -> str:
    """A description of a local site."""
    lines = {"name": name, "driver": "local", "appliance": "/a", "folder": "/f", **more}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


OPENSTACK = """name: A
driver: openstack
endpoint: https://keystone.example.org:5000/v3
credentials:
  type: password
  username: prominence
  password: {file: /etc/secret}
vos:
  vo.a: {project_id: 12345e678}
image: {name: worker}
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """Puts files into a folder and gives it back."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder
