"""What lies in ``deploy/`` works with this program: its verbs and settings exist, and the tools themselves read it."""

from __future__ import annotations

import configparser
import dataclasses
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.cli import parser
from hub.commands.speaking import verbs_of
from hub.settings import Settings, read

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
HOME = "/opt/cityhub"
SERVICE = DEPLOY / "cityhub.service"
VARIABLE = re.compile(r"^(#?)CITYHUB_([A-Z_]+)=(.*)$", re.M)


def unit(path: Path) -> configparser.ConfigParser:
    # systemd's own keys have a case, and some come more than once.
    made = configparser.ConfigParser(strict=False, interpolation=None)
    made.optionxform = str  # type: ignore[assignment,method-assign]
    made.read(path)
    return made


def test_what_the_service_starts_is_a_verb_with_options_that_it_has() -> None:
    program, verb, *options = unit(SERVICE)["Service"]["ExecStart"].split()
    assert (ROOT / Path(program).relative_to(HOME)).is_file()
    known = dict(verbs_of(parser()))[verb].format_help()
    assert all(option.partition("=")[0] in known for option in options)


def test_the_example_names_every_setting_and_no_other() -> None:
    named = [name.lower() for _, name, _ in VARIABLE.findall((DEPLOY / "cityhub.env").read_text())]
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(Settings))


def test_the_example_is_read_with_all_that_it_sets_and_shows(tmp_path: Path) -> None:
    said = VARIABLE.findall((DEPLOY / "cityhub.env").read_text())
    read({}, {f"CITYHUB_{name}": value for off, name, value in said if not off})
    folders = {"CITY": str(tmp_path), "FILES_ROOT": str(tmp_path)}
    settings = read({}, {f"CITYHUB_{name}": folders.get(name, value) for _, name, value in said})
    defaults = Settings(settings.data)
    for off, name, _ in said:
        if off and name in ("RATE_PER_SECOND", "BODY_MAX_BYTES", "BATCH_MAX", "ATTACHMENT_MAX_BYTES"):
            assert getattr(settings, name.lower()) == getattr(defaults, name.lower()), name


def test_the_proxy_leads_to_where_the_hub_listens_and_takes_what_the_hub_takes() -> None:
    proxy = (DEPLOY / "nginx.conf").read_text()
    settings = read(
        {}, {f"CITYHUB_{n}": v for off, n, v in VARIABLE.findall((DEPLOY / "cityhub.env").read_text()) if not off}
    )
    assert f"server {settings.host}:{settings.port};" in proxy
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", proxy)
    assert int(megabytes) * 1024 * 1024 > settings.attachment_max_bytes * 4 / 3


def test_every_file_is_explained() -> None:
    text = (DEPLOY / "README.md").read_text()
    assert [path.name for path in DEPLOY.iterdir() if path.name != "README.md" and f"`{path.name}`" not in text] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_service(tmp_path: Path) -> None:
    copy = tmp_path / SERVICE.name
    copy.write_text(SERVICE.read_text().replace(f"ExecStart={HOME}/", f"ExecStart={ROOT}/"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if SERVICE.name in line]) == (0, [])


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx_takes_the_proxy(tmp_path: Path) -> None:
    certificate(tmp_path)
    (tmp_path / "site").write_text((DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/cityhub", str(tmp_path)))
    temporary = "".join(
        f"{kind}_temp_path {tmp_path};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{temporary}access_log off;\ninclude {tmp_path}/site;\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        ["nginx", "-t", "-e", "stderr", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def certificate(folder: Path) -> None:
    """A certificate of its own hand, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "privkey.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
