"""What ``deploy/`` offers a city fits the program: its lines parse, its settings are known, its bounds wide."""

from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.api import routes_cases, routes_inbox
from hub.api.soap_door import BASE64_GROWTH
from hub.cli import parser
from hub.settings import Settings, read

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")))


def said(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cityhub.service", "cityhub-backup.service"])
def test_what_a_unit_starts_is_a_line_that_the_program_understands(name: str) -> None:
    (started,) = re.findall(r"^ExecStart=(.*)$", said(name), re.M)
    line = shlex.split(started)
    if line[0] == "/bin/sh":
        line = shlex.split(line[2].removeprefix("exec "))
    assert line[0] == "/opt/cityhub/cityhub" and (ROOT / "cityhub").stat().st_mode & 0o111
    # argparse ends the program where it does not understand the line.
    given = parser().parse_args(line[1:])
    assert str(given.data) == "/var/lib/cityhub"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    assert UNITS == ["cityhub-backup.service", "cityhub-backup.timer", "cityhub.service"]
    for name in UNITS:
        (tmp_path / name).write_text(said(name).replace("/opt/cityhub/", f"{ROOT}/"), encoding="utf-8")
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = [line for line in run.stderr.splitlines() if "cityhub" in line]
    assert (run.returncode, ours) == (0, [])


def test_the_example_settings_are_settings() -> None:
    lines = re.findall(r"^(#?)CITYHUB_(\w+)=(.*)$", said("cityhub.env"), re.M)
    known = {each.name for each in dataclasses.fields(Settings)}
    assert {name.lower() for _, name, _ in lines} <= known
    in_force = {f"CITYHUB_{name}": value for hidden, name, value in lines if not hidden}
    settings = read({}, in_force)
    assert (settings.host, settings.port, len(settings.outbound_allow)) == ("127.0.0.1", 8080, 2)


def test_the_proxy_lets_through_what_the_hub_takes() -> None:
    proxy, settings = said("nginx.conf"), Settings(Path("data"))
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", proxy)
    assert int(megabytes) * 1024 * 1024 >= settings.attachment_max_bytes * BASE64_GROWTH
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", proxy)
    assert int(seconds) > max(routes_cases.WAIT_MAX_SECONDS, routes_inbox.WAIT_MAX_SECONDS)
    assert re.findall(r"server (\S+);", proxy) == [f"{settings.host}:{settings.port}"]
    # A token may stand in a query: the log must not have it.
    assert not re.search(r"\$(request|request_uri|args|query_string)\b", proxy.partition("upstream")[0])


def test_nginx_takes_the_proxys_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx")
    if nginx is None:
        pytest.skip("no nginx here")
    a_certificate(tmp_path)
    site = said("nginx.conf").replace("listen [::]:", "listen v6_")
    site = re.sub(r"listen (\w+)", rf"listen unix:{tmp_path}/\1", site)
    site = site.replace("/etc/cityhub/tls", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    kept = "".join(f"{each}_temp_path {tmp_path}; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\nhttp {{ access_log off; {kept}\n{site}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    run = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0 and "emerg" not in run.stderr, run.stderr


def a_certificate(folder: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
