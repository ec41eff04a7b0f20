"""docker-compose.yml as the real Compose v2 reads it: what it starts, mounts and sets is what e3p knows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from e3p.settings import SECTIONS
from tests.servers import Mosquitto, need_mosquitto
from tests.servers.compose import configured

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
PROFILES = ("try", "demo")
DEMO = {"demo-1", "demo-2", "demo-3"}
E3P = Path(sys.executable).with_name("e3p")
ONCE = {"store-setup"}
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Every service, those of the profiles too, with nothing set in the environment."""
    found: dict[str, Any] = configured(FILE, {}, PROFILES)["services"]
    return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is mounted, with what the documented commands make beside it."""
    folder = tmp_path_factory.mktemp("deployed")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copytree(ROOT / "grafana", folder / "grafana")
    for name in ("docker-compose.yml", ".env.example"):
        shutil.copy(ROOT / name, folder / name)
    init = [E3P, "pki", "init", "pki", "--host", "server.lan", "--host", "mosquitto"]
    env = {**os.environ, "PATH": f"{E3P.parent}:{os.environ['PATH']}"}
    for command in (init, [E3P, "pki", "node", "synthetic"], [folder / "deploy" / "demo.sh"]):
        subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return folder


def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if service["image"].startswith("e3p-")}


def listens(service: dict[str, Any]) -> set[str]:
    """The addresses of this machine that it can be reached at."""
    return {port["host_ip"] for port in service.get("ports", ())}


def test_it_has_every_part_and_a_node_only_when_asked(services: dict[str, Any]) -> None:
    always = set(configured(FILE, {})["services"])
    assert always == {"mosquitto", "influxdb", "store-setup", "collector", "analyzer", "grafana"}
    assert set(services) == always | {"node"} | DEMO
    assert set(configured(FILE, {}, ["demo"])["services"]) == always | DEMO


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    for service in services.values():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"]), service["image"]


def test_every_service_comes_back_and_is_asked_how_it_is(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert ("healthcheck" in service) == (name not in ONCE), name


def test_nothing_listens_beyond_this_machine_unless_told_to(services: dict[str, Any]) -> None:
    for service in services.values():
        assert listens(service) <= {LOOPBACK}
    opened = configured(FILE, {"MQTT_LISTEN": "0.0.0.0"})["services"]
    outside = {name for name, each in opened.items() if listens(each) - {LOOPBACK}}
    assert outside == {"mosquitto"}


def test_our_containers_may_do_little(services: dict[str, Any]) -> None:
    for service in ours(services).values():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"]
        assert not service["user"].startswith(("0", "root"))
        assert "no-new-privileges:true" in service["security_opt"]


def test_every_command_is_one_of_ours(services: dict[str, Any]) -> None:
    for name, service in ours(services).items():
        done = subprocess.run(
            [E3P, *service["command"], "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"


def test_every_variable_of_ours_is_a_setting(services: dict[str, Any]) -> None:
    known = {
        "_".join(["E3P", *([section.upper()] if section else []), field.upper()])
        for section, kind in SECTIONS.items()
        for field in kind.__struct_fields__
    }
    for service in services.values():
        assert {name for name in service.get("environment", ()) if name.startswith("E3P_")} <= known


def test_influxd_starts_with_a_fresh_log(services: dict[str, Any], tmp_path: Path) -> None:
    """The words between the image's entrypoint and its command, run on an engine folder of this machine."""
    shell, option, script, name = services["influxdb"]["entrypoint"]
    engine = tmp_path / "engine"
    log = engine / "wal" / "bucket" / "autogen" / "1" / "_00009.wal"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"torn")
    script = script.replace("$$", "$").replace("/var/lib/influxdb2/engine", str(engine))
    script = script.replace("/fresh-wal.sh", str(FILE.parent / "deploy" / "influxdb" / "fresh-wal.sh"))
    script = script.replace("/entrypoint.sh", "echo")
    done = subprocess.run([shell, option, script, name, "influxd", "run"], capture_output=True, check=True)
    assert done.stdout == b"influxd run\n"
    assert {path.name: path.stat().st_size for path in log.parent.iterdir()} == {
        "_00009.wal": 4,
        "_00010.wal": 0,
    }


def test_no_secret_is_in_the_environment_or_a_command(deployed: Path) -> None:
    secrets = [path.read_text() for path in (deployed / "secrets").iterdir() if path.is_file()]
    shown = json.dumps(configured(deployed / "docker-compose.yml", {}, PROFILES))
    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret in shown]


def test_what_is_mounted_is_there_or_made_by_the_commands_of_the_guide(deployed: Path) -> None:
    document = configured(deployed / "docker-compose.yml", {}, PROFILES)
    mounts = [mount for each in document["services"].values() for mount in each.get("volumes", ())]
    files = [mount["source"] for mount in mounts if mount["type"] == "bind"]
    files += [secret["file"] for secret in document["secrets"].values()]
    assert len(files) >= 7
    assert not [file for file in files if not Path(file).exists()]


@pytest.mark.parametrize(
    ("name", "settings"),
    [("collector", "pki/server"), ("node", "pki/nodes/synthetic"), ("demo-2", "pki/nodes/demo-2")],
)
def test_a_service_finds_the_broker_and_its_own_keys(
    services: dict[str, Any], deployed: Path, name: str, settings: str
) -> None:
    own = {"node": "deploy/docker/synthetic.toml", "demo-2": "deploy/docker/demo.toml"}
    file = deployed / own.get(name, f"{settings}/e3p.toml")
    env = {"PATH": os.environ["PATH"], **services[name]["environment"]}
    show = [E3P, "config", "show", "--json", "--config", file]
    shown = subprocess.run(show, env=env, capture_output=True, text=True, check=True)
    assert not shown.stderr
    rows = json.loads(shown.stdout)
    assert rows["mqtt"]["value"] == "mqtts://mosquitto:8883"
    for key in ("mqtt_ca", "mqtt_cert", "mqtt_key"):
        assert (deployed / settings / Path(rows[key]["value"]).relative_to("/etc/e3p")).exists()


def test_mosquitto_starts_with_its_settings_and_keys(deployed: Path, tmp_path: Path) -> None:
    binary = need_mosquitto()
    settings = (deployed / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    keys = str(deployed / "pki" / "broker")
    lines = settings.replace("/mosquitto/certs", keys).replace("listener 8883\n", "").splitlines()
    with Mosquitto(binary, tmp_path, [*lines, "user root"]) as broker:
        assert broker.port
    assert "Error" not in broker.log.read_text()


def test_the_nodes_of_the_demo_have_the_names_of_their_certificates(services: dict[str, Any]) -> None:
    for name in DEMO:
        keys = {Path(each["source"]).name for each in services[name]["volumes"] if each["type"] == "bind"}
        command = services[name]["command"]
        assert name in keys
        assert command[command.index("--node") + 1] == name


def test_a_second_run_of_the_demos_script_changes_nothing(deployed: Path) -> None:
    before = {path: path.read_bytes() for path in deployed.rglob("*") if path.is_file()}
    env = {**os.environ, "PATH": f"{E3P.parent}:{os.environ['PATH']}"}
    again = subprocess.run(
        [deployed / "deploy" / "demo.sh"], env=env, check=True, capture_output=True, text=True
    )
    assert not again.stdout
    assert before == {path: path.read_bytes() for path in deployed.rglob("*") if path.is_file()}


def test_a_second_run_of_secrets_changes_nothing(deployed: Path) -> None:
    folders = [deployed / "secrets", deployed]
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir() if path.is_file()}
    again = subprocess.run([deployed / "deploy" / "secrets.sh"], check=True, capture_output=True, text=True)
    assert not again.stdout
    assert before == {path: path.read_bytes() for path in before}
    assert (deployed / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_variables_of_env_example_are_those_that_compose_reads() -> None:
    named = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == set(re.findall(r"\$\{(\w+)", FILE.read_text()))


def test_grafana_is_told_where_the_store_is(services: dict[str, Any]) -> None:
    (source,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/influxdb.yml").read_text())[
        "datasources"
    ]
    init = services["influxdb"]["environment"]
    assert source["jsonData"]["organization"] == init["DOCKER_INFLUXDB_INIT_ORG"]
    assert source["url"] == "http://influxdb:8086"
    assert source["secureJsonData"]["token"] == f"$__file{{{kept_by_setup(services, 'grafana')}}}"


def kept_by_setup(services: dict[str, Any], reader: str) -> str:
    """The place at which a service finds a token that `store-setup` keeps in a folder of its own."""

    def mounts(name: str) -> dict[str, str]:
        return {each["source"]: each["target"] for each in services[name]["volumes"]}

    (folder,) = mounts("store-setup").keys() & mounts(reader).keys()
    (file,) = [
        word for word in services["store-setup"]["command"] if word.startswith(mounts("store-setup")[folder])
    ]
    return file.replace(mounts("store-setup")[folder], mounts(reader)[folder])


def test_programs_have_the_token_that_is_made_for_them(services: dict[str, Any]) -> None:
    for name in ("collector", "analyzer"):
        assert services[name]["environment"]["E3P_STORE_TOKEN_FILE"] == kept_by_setup(services, name)
        assert not services[name].get("secrets")


def test_the_token_that_may_do_anything_is_for_the_database_and_its_setup(services: dict[str, Any]) -> None:
    has = {
        name
        for name, each in services.items()
        if "influxdb_token" in {secret["source"] for secret in each.get("secrets", ())}
    }
    assert has == {"influxdb", "store-setup"}


def test_only_grafana_may_not_be_the_owner_of_its_token(deployed: Path) -> None:
    folder = deployed / "secrets"
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (folder, folder / "programs", folder / "grafana")
    }
    assert modes == {"secrets": 0o700, "programs": 0o700, "grafana": 0o755}
    assert (folder / "grafana" / "influxdb_token").stat().st_mode & 0o777 == 0o644
