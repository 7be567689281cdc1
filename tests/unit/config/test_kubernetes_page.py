"""The example for Kubernetes in docs/deployment.md fits the image: user, volumes, variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from config.sources import ENVIRONMENT_NAMES

ROOT = Path(__file__).resolve().parents[3]
(BLOCK,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "deployment.md").read_text(), re.DOTALL)
SET: dict[str, Any] = yaml.safe_load(BLOCK)["spec"]
POD: dict[str, Any] = SET["template"]["spec"]
(CONTAINER,) = POD["containers"]
IMAGE = (ROOT / "Dockerfile").read_text()


def test_it_runs_as_the_user_of_the_image_who_may_write_to_the_volumes() -> None:
    (uid,) = re.findall(r"--uid (\d+) service", IMAGE)
    assert {CONTAINER["securityContext"]["runAsUser"], POD["securityContext"]["fsGroup"]} == {int(uid)}


def test_each_pod_keeps_what_the_image_keeps_and_may_write_where_the_service_does() -> None:
    (claim,) = SET["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert f"VOLUME {mounts[claim['metadata']['name']]}\n" in IMAGE
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert "/tmp" in mounts.values()  # noqa: S108 (where the image has it)
    assert mounts.keys() == {claim["metadata"]["name"], *(volume["name"] for volume in POD["volumes"])}


def test_its_variables_are_known_and_the_models_are_on_the_volume_that_is_shared() -> None:
    variables = {variable["name"]: variable["value"] for variable in CONTAINER["env"]}
    assert variables.keys() <= ENVIRONMENT_NAMES.keys()
    (shared,) = [volume["name"] for volume in POD["volumes"] if "persistentVolumeClaim" in volume]
    assert {"name": shared, "mountPath": variables["MODEL_SAVE_PATH"]} in CONTAINER["volumeMounts"]
