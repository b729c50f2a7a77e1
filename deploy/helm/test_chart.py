"""python3 -m unittest discover deploy/helm: the chart, rendered by Helm's own code (helm-python-sdk), and what comes out.

Judged by Kubernetes' schemas (kubernetes-validate), by the program (its flags and its configuration), and against the
rules and dashboards that the chart is to carry.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import kubernetes_validate
import yaml
from helm_python import Chart, lint
from helm_python.errors import HelmError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "deploy" / "helm" / "holdfast"
PROGRAM = ROOT / ".build" / "debug" / "holdfast"
KUBERNETES = "1.30"

EVERYTHING = {
    "replicas": 3,
    "secrets": [{"name": "genesys"}],
    "config": {
        "credentials": {"genesys": {
            "type": "oauth2_client_credentials", "environment": "usw2.pure.cloud", "client_id": "x",
            "client_secret_file": "/run/secrets/holdfast/genesys/client_secret"}},
        "streams": [{
            "name": "queue-events", "profile": "genesys-architect", "environment": "usw2.pure.cloud",
            "credential": "genesys", "subscriptions": ["queueEvents"]}],
    },
    "web": {"existingSecret": "web", "scheme": "https"},
    "enableLifecycle": True,
    "persistence": {"enabled": True, "storageClassName": "fast"},
    "scrapeAnnotations": True,
    "podMonitor": {"enabled": True, "tlsConfig": {"insecureSkipVerify": True}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "envFrom": [{"secretRef": {"name": "more"}}],
    "extraArgs": ["--web.max-requests=10"],
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"a": "b"}, "podLabels": {"team": "ivr"}, "podAnnotations": {"note": "x"},
    "tolerations": [{"operator": "Exists"}], "priorityClassName": "high",
    "affinity": {"podAntiAffinity": {}}, "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "service": {"annotations": {"a": "b"}}, "serviceAccount": {"annotations": {"a": "b"}},
}


@contextlib.contextmanager
def quiet():
    """Without what Helm's loader says of the links to rules and dashboards, which are meant."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def render(values=None, name="hf", namespace="monitoring"):
    """All objects, by kind and name."""
    with quiet(), Chart.load(CHART) as chart:
        texts = chart.render(values or {}, name=name, namespace=namespace)
    objects = {}
    for path, text in texts.items():
        if path.endswith(".yaml"):
            for one in filter(None, yaml.safe_load_all(text)):
                objects[one["kind"], one["metadata"]["name"]] = one
    return objects


def container(objects):
    [one] = [one for (kind, _), one in objects.items() if kind == "StatefulSet"]
    return one["spec"]["template"]["spec"]["containers"][0]


class Rendered(unittest.TestCase):
    def test_lint_finds_nothing(self):
        for values in ({}, EVERYTHING):
            with quiet():
                report = lint(CHART, values, strict=True, kube_version="v" + KUBERNETES + ".0")
            self.assertEqual((report["messages"], report["errors"]), ([], []))

    def test_every_object_is_one_of_kubernetes(self):
        for values in ({}, EVERYTHING, {"replicas": 5, "probes": {"type": "tcp"}}):
            for (kind, name), one in render(values).items():
                if "monitoring.coreos.com" in one["apiVersion"]:
                    continue  # of the Prometheus operator: looked at below
                with self.subTest(kind=kind, name=name):
                    kubernetes_validate.validate(one, KUBERNETES, strict=True)

    def test_what_is_off_is_not_there(self):
        kinds = sorted({kind for kind, _ in render()})
        self.assertEqual(
            kinds, ["ConfigMap", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet"])

    def test_every_instance_knows_its_part(self):
        for replicas in (1, 3, 5):
            objects = render({"replicas": replicas})
            self.assertEqual(objects["StatefulSet", "hf-holdfast"]["spec"]["replicas"], replicas)
            first = container(objects)
            arguments = first["args"]
            self.assertIn(f"--shard=$(POD_INDEX)/{replicas}", arguments)
            [index] = [one for one in first["env"] if one["name"] == "POD_INDEX"]
            self.assertEqual(
                index["valueFrom"]["fieldRef"]["fieldPath"], "metadata.labels['apps.kubernetes.io/pod-index']")

    def test_the_program_takes_the_arguments(self):
        """With the index filled in, each pod's command line is one that the program understands: what stops it is the
        configuration file, which is not there (78), and not its flags (64)."""
        for values in ({"replicas": 1}, EVERYTHING):
            objects = render(values)
            arguments = [one.replace("$(POD_INDEX)", "0") for one in container(objects)["args"]]
            result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn("/etc/holdfast/config/holdfast.yml:1:1: cannot be read", result.stderr)

    def test_the_program_takes_the_configuration(self):
        text = render(EVERYTHING)["ConfigMap", "hf-holdfast"]["data"]["holdfast.yml"]
        with tempfile.TemporaryDirectory() as folder:
            secret = pathlib.Path(folder) / "secret"
            secret.write_text("x\n")
            file = pathlib.Path(folder) / "holdfast.yml"
            file.write_text(text.replace("/run/secrets/holdfast/genesys/client_secret", str(secret)))
            result = subprocess.run([PROGRAM, "check", file], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("good, 1 streams", result.stdout)
        mounts = {one["mountPath"] for one in container(render(EVERYTHING))["volumeMounts"]}
        self.assertIn("/run/secrets/holdfast/genesys", mounts)

    def test_the_peers_are_the_pods(self):
        objects = render({"replicas": 3})
        [pattern] = [one.split("=", 1)[1] for one in container(objects)["args"] if one.startswith("--web.peers=")]
        service = objects["StatefulSet", "hf-holdfast"]["spec"]["serviceName"]
        self.assertEqual(pattern, f"hf-holdfast-{{index}}.{service}.monitoring.svc:10046")
        headless = objects["Service", service]["spec"]
        self.assertEqual(headless["clusterIP"], "None")
        labels = objects["StatefulSet", "hf-holdfast"]["spec"]["template"]["metadata"]["labels"]
        self.assertTrue(headless["selector"].items() <= labels.items())

    def test_the_rules_are_those_of_the_repository(self):
        rule = render(EVERYTHING)["PrometheusRule", "hf-holdfast"]
        expected = yaml.safe_load((ROOT / "alerts" / "holdfast.rules.yml").read_text())
        self.assertEqual(rule["spec"], expected)
        self.assertEqual(rule["metadata"]["labels"]["release"], "prometheus")

    def test_the_dashboards_are_those_of_the_repository(self):
        maps = {name: one for (kind, name), one in render(EVERYTHING).items() if kind == "ConfigMap"}
        files = sorted((ROOT / "dashboards").glob("*.json"))
        self.assertEqual(len(files), 2)
        for file in files:
            one = maps["hf-holdfast-dashboard-" + file.stem.removeprefix("holdfast-")]
            self.assertEqual(json.loads(one["data"][file.name]), json.loads(file.read_text()))
            self.assertEqual(one["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertLess(len(json.dumps(one)), 1_048_576)

    def test_the_monitor_selects_the_pods(self):
        objects = render(EVERYTHING)
        monitor = objects["PodMonitor", "hf-holdfast"]["spec"]
        pod = objects["StatefulSet", "hf-holdfast"]["spec"]["template"]
        self.assertTrue(monitor["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items())
        [endpoint] = monitor["podMetricsEndpoints"]
        self.assertIn(endpoint["port"], [one["name"] for one in container(objects)["ports"]])
        self.assertEqual(endpoint["scheme"], "https")
        # Rules and dashboards look for job="holdfast".
        self.assertEqual(pod["metadata"]["labels"][monitor["jobLabel"]], "holdfast")

    def test_a_change_of_the_configuration_changes_the_pods(self):
        def checksum(values):
            template = render(values)["StatefulSet", "hf-holdfast"]["spec"]["template"]
            return template["metadata"]["annotations"]["checksum/config"]
        self.assertEqual(checksum({}), checksum({"replicas": 3}))
        self.assertNotEqual(checksum({}), checksum({"config": {"defaults": {"reorder_window": "3s"}}}))

    def test_pods_are_restricted(self):
        """What the pod security standard `restricted` asks for."""
        pod = render()["StatefulSet", "hf-holdfast"]["spec"]["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
        self.assertFalse(pod["automountServiceAccountToken"])
        one = pod["containers"][0]["securityContext"]
        self.assertEqual(one["capabilities"]["drop"], ["ALL"])
        self.assertFalse(one["allowPrivilegeEscalation"])
        self.assertTrue(one["readOnlyRootFilesystem"])
        # It is given time to close its streams.
        self.assertGreater(pod["terminationGracePeriodSeconds"], 5)

    def test_wrong_values_are_refused(self):
        for values in (
                {"replicas": 0}, {"replicas": "3"}, {"replica": 3}, {"config": {"strems": []}},
                {"config": {"streams": [{"name": "a"}]}}, {"log": {"level": "loud"}}, {"extraArgs": ["run"]},
                {"terminationGracePeriodSeconds": 2}, {"web": {"scheme": "ftp"}}, {"image": {"digest": "x"}}):
            with self.subTest(values=values), self.assertRaises(HelmError):
                render(values)

    def test_names_stay_within_their_limit(self):
        for kind, name in render(EVERYTHING, name="a" * 53):
            # Names of services are labels of DNS. Of the StatefulSet, a label carries the name and a hash.
            limit = {"Service": 63, "StatefulSet": 52}.get(kind, 253)
            self.assertLessEqual(len(name), limit, f"{kind} {name}")


if __name__ == "__main__":
    unittest.main()
