"""Checks what deploy/ holds without any network: Kubernetes' own schemas, the Flink operator's, systemd's word on units,
and that names, versions and paths are those of a release. deploy_test.py FLINKDEPLOYMENTS-CRD"""

import copy
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

DEPLOY = Path("deploy")
CRD = Path(sys.argv[1])
# The oldest Kubernetes that still gets fixes at most clouds, and the newest that there are schemas for.
KUBERNETES = ("1.32", "1.37")
VERSION = re.search(r'^\[workspace\.package\]\nversion = "(.*)"', Path("Cargo.toml").read_text(), re.M).group(1)
failed = passed = 0


def test(check):
    """Runs a check, and tells what it found; what it yields are faults."""
    global failed, passed
    faults = list(check())
    print(f"test {check.__name__} ... {'FAILED' if faults else 'ok'}")
    for fault in faults:
        print(f"    {fault}")
    failed, passed = failed + bool(faults), passed + (not faults)


def documents():
    """Each document of each manifest."""
    for file in sorted(DEPLOY.glob("kubernetes/*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            yield f"{file.name}: {document['kind']} {document['metadata']['name']}", document


def strict(schema):
    """A schema of a resource, as the API server takes it with strict validation: no field that is not named."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and "type" in schema and not open_ended:
        made["additionalProperties"] = False
    return made


def flink_schema():
    """The operator's own, of the CRD that its API comes with."""
    versions = {of["name"]: of for of in yaml.safe_load(CRD.read_text())["spec"]["versions"]}
    schema = strict(versions["v1beta1"]["schema"]["openAPIV3Schema"])
    # Of the resource itself it names no more than spec and status.
    for name, kind in {"apiVersion": "string", "kind": "string", "metadata": "object"}.items():
        schema["properties"][name] = {"type": kind}
    # Its list of Flink's versions ends with those of its own day.
    schema["properties"]["spec"]["properties"]["flinkVersion"] = {"pattern": "^v[12]_[0-9]+$"}
    return schema


FLINK = flink_schema()


def faults_of(document):
    """What a document's schema says against it."""
    if document["apiVersion"].startswith("flink.apache.org/"):
        for error in jsonschema.Draft202012Validator(FLINK).iter_errors(document):
            yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for place in pod_templates(document):
            pod = copy.deepcopy(place)
            # The operator fills in its main container, the images of all that name none among them.
            yield from faults_of_kubernetes(pod | {"metadata": {"name": "a"}})
        return
    yield from faults_of_kubernetes(document)


def faults_of_kubernetes(document):
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message[:200]}"


def pod_templates(document):
    spec = document["spec"]
    return [part["podTemplate"] for part in (spec, spec.get("jobManager", {}), spec.get("taskManager", {})) if "podTemplate" in part]


def pods():
    """Each pod's specification, with what it inherits; of a Flink deployment that of the JobManager."""
    for name, document in documents():
        if document["kind"] == "StatefulSet":
            template = document["spec"]["template"]["spec"]
            yield name, template, [claim["metadata"]["name"] for claim in document["spec"]["volumeClaimTemplates"]]
        elif document["kind"] == "FlinkDeployment":
            yield name, merged(*[template["spec"] for template in pod_templates(document)]), []


def merged(base, over):
    """A pod template over another, as the operator merges them: containers by their names, other lists one after the other."""
    made = copy.deepcopy(base)
    for key, value in over.items():
        if key != "containers":
            made[key] = made.get(key, []) + value if isinstance(value, list) else value
            continue
        for container in copy.deepcopy(value):
            same = next((of for of in made["containers"] if of["name"] == container["name"]), None)
            if same is None:
                made["containers"].append(container)
            else:
                same["volumeMounts"] = same.get("volumeMounts", []) + container.get("volumeMounts", [])
    return made


@test
def manifests_are_what_their_schemas_take():
    for name, document in documents():
        for fault in faults_of(document):
            yield f"{name}: {fault}"


@test
def schemas_refuse_what_is_wrong():
    def planted(kind, change):
        name, document = next((n, d) for n, d in documents() if d["kind"] == kind)
        document = copy.deepcopy(document)
        change(document["spec"])
        if not list(faults_of(document)):
            yield f"{name}: {change.__name__} is not found"

    def a_field_of_no_such_name(spec):
        spec["template"]["spec"]["initContainer"] = spec["template"]["spec"].pop("initContainers")

    def a_number_for_a_text(spec):
        spec["template"]["spec"]["containers"][0]["env"][1]["value"] = 1

    def a_truth_for_a_text(spec):
        spec["flinkConfiguration"]["job.autoscaler.enabled"] = False

    def a_field_of_flink_of_no_such_name(spec):
        spec["jobManager"]["replica"] = spec["jobManager"].pop("replicas")

    def a_mount_without_a_path(spec):
        del spec["jobManager"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"][0]["mountPath"]

    yield from planted("StatefulSet", a_field_of_no_such_name)
    yield from planted("StatefulSet", a_number_for_a_text)
    yield from planted("FlinkDeployment", a_truth_for_a_text)
    yield from planted("FlinkDeployment", a_field_of_flink_of_no_such_name)
    yield from planted("FlinkDeployment", a_mount_without_a_path)


@test
def nobody_is_root_and_nothing_is_writable_but_volumes():
    for name, pod, _ in pods():
        of_pod = pod["securityContext"]
        if not (of_pod.get("runAsNonRoot") and of_pod.get("runAsUser") and of_pod["seccompProfile"]["type"] == "RuntimeDefault"):
            yield f"{name}: {of_pod}"
        for container in pod["initContainers"] + pod["containers"]:
            of = container.get("securityContext", {})
            if of.get("allowPrivilegeEscalation") is not False or of.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{name}: {container['name']} keeps rights"
            if of.get("readOnlyRootFilesystem") is not True:
                yield f"{name}: {container['name']} may write anywhere"


@test
def volumes_are_there_and_the_store_outlives_the_pod():
    for name, pod, claims in pods():
        volumes = {of["name"]: of for of in pod["volumes"]}
        for container in pod["initContainers"] + pod["containers"]:
            for mount in container["volumeMounts"]:
                if mount["name"] not in volumes and mount["name"] not in claims:
                    yield f"{name}: {container['name']} mounts {mount['name']}, which is not there"
        serve = next(of for of in pod["containers"] if of["name"] == "thalweg-serve")
        folder = serve["args"][serve["args"].index("--engine") + 1].split("=")[1]
        store = next(of["name"] for of in serve["volumeMounts"] if folder.startswith(of["mountPath"]))
        if store not in claims and "persistentVolumeClaim" not in volumes[store]:
            yield f"{name}: {folder} is gone with the pod"
        main = pod["containers"][0]
        if not any(of["name"] == store and folder.startswith(of["mountPath"]) and not of.get("readOnly") for of in main["volumeMounts"]):
            yield f"{name}: {main['name']} cannot write to {folder}"


@test
def images_and_jars_are_of_this_version():
    for file in sorted(DEPLOY.rglob("*")):
        if not file.is_file():
            continue
        for found in re.findall(r"thalweg(?:-storm|-flink)?[:-]([0-9]+\.[0-9]+\.[0-9]+)", file.read_text()):
            if found != VERSION:
                yield f"{file}: {found}, and this is {VERSION}"
    for name, pod, _ in pods():
        for container in pod["initContainers"] + pod["containers"]:
            if "image" in container and not re.search(r":[0-9]+\.", container["image"]):
                yield f"{name}: {container['image']} is any version"


@test
def the_container_file_copies_what_a_release_holds():
    text = (DEPLOY / "container/Containerfile").read_text()
    held = {"LICENSE", "licences", "bin/thalweg", "lib", f"lib/thalweg-storm-{VERSION}.jar", f"lib/thalweg-flink-{VERSION}.jar"}
    for line in re.findall(r"^COPY (.*)$", text, re.M):
        words = [word for word in line.split() if not word.startswith("--")]
        for source in set(words[:-1]) - held:
            yield f"COPY {source}: no release holds it"
    for stage in re.split(r"^FROM ", text, flags=re.M)[1:]:
        users = re.findall(r"^USER (.*)$", stage, re.M)
        if not users or not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", users[-1]):
            yield f"{stage.splitlines()[0]}: ends as {users or 'root'}"
        if re.search(r"^(RUN|ADD) ", stage, re.M):
            yield f"{stage.splitlines()[0]}: runs or fetches something"


@test
def systemd_takes_the_units():
    with tempfile.TemporaryDirectory() as folder:
        for unit in sorted(DEPLOY.glob("systemd/*.service")):
            # It looks for the programs too, which are not here.
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M)
            (Path(folder) / unit.name).write_text(text)
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit.name], cwd=folder, text=True, capture_output=True)
            for line in (said.stdout + said.stderr).splitlines():
                if unit.name in line:
                    yield line


@test
def the_command_has_the_options_that_are_given():
    known = Path("docs/reference/command.md").read_text()
    for file in [*DEPLOY.glob("kubernetes/*.yaml"), DEPLOY / "systemd/thalweg-serve.service"]:
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", file.read_text())):
            if f"`{option}" not in known:
                yield f"{file}: thalweg has no {option}"


print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed")
sys.exit(failed > 0)
