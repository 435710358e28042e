"""The chart as text: what it renders, what it refuses to render, and which rights it asks for."""

import re
import unittest

import yaml

from support import CHART, CRDS, OPERATOR, RELEASE_NAMESPACE, ROOT, WEBHOOK, crds, helm, parse_documents, render

TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.is_file())
# Values that turn every part on, and every list and map to something.
FULL = ["--set-json", 'registries=[{"host":"registry.example.com:5000","scheme":"http","auth":"Anonymous","mirrors":["m.example.com"],'
        '"caPEM":"-----BEGIN CERTIFICATE-----","requestsPerSecond":2.5}]',
        "--set-json", 'image={"repository":"registry.example.com/portcullis","tag":"v9","digest":"sha256:' + "a" * 64 + '",'
        '"pullPolicy":"Always","pullSecrets":[{"name":"pull"}]}',
        "--set-json", 'operator={"podAnnotations":{"a":"b"},"nodeSelector":{"c":"d"},"tolerations":[{"operator":"Exists"}],'
        '"affinity":{"nodeAffinity":{}},"priorityClassName":"high"}',
        "--set-json", 'webhook={"replicas":3,"port":9443,"podAnnotations":{"a":"b"},"nodeSelector":{"c":"d"},'
        '"tolerations":[{"operator":"Exists"}],"affinity":{"nodeAffinity":{}},"priorityClassName":"high"}',
        "--set-json", 'dns={"namespace":"dns","selector":"app=dns,tier=a","addresses":["169.254.20.10/32","fd00::a/128"]}',
        "--set-json", 'metrics={"port":9090}', "--set-json", 'log={"level":"debug","format":"text"}']


def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def named(documents, kind, name):
    (found,) = [document for document in of_kind(documents, kind) if document["metadata"]["name"] == name]
    return found


def arguments_of(documents, component):
    deployment = named(documents, "Deployment", f"portcullis-{component}")
    return deployment["spec"]["template"]["spec"]["containers"][0]["args"]


class Templates(unittest.TestCase):
    def test_helm_lint_has_nothing_to_say(self):
        for values in ([], FULL):
            done = helm("lint", "--strict", str(CHART), *values, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_nothing_depends_on_the_cluster_on_chance_or_on_the_time(self):
        for path in TEMPLATES:
            text = path.read_text()
            for action in re.findall(r"\{\{.*?\}\}", text, re.S):
                if not action.startswith(("{{/*", "{{- /*")):
                    self.assertNotRegex(action, r"\b(lookup|rand\w*|uuidv4|now|ago|gen[A-Z]\w*|htpasswd|derivePassword)\b", path.name)
            self.assertNotRegex(text, r"(?m)^\s*-?\s*caBundle:", path.name)
        once, again = (helm("template", "portcullis", str(CHART), *FULL).stdout for _ in range(2))
        self.assertEqual(once, again)

    def test_no_document_carries_a_ca_bundle(self):
        for document in of_kind(render(), "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            for webhook in document["webhooks"]:
                self.assertEqual(list(webhook["clientConfig"]), ["service"])

    def test_the_copies_of_the_definitions_equal_their_source(self):
        copies = CHART / "files" / "crds"
        self.assertEqual([path.name for path in sorted(copies.iterdir())], [path.name for path in sorted(CRDS.glob("*.yaml"))])
        for path in copies.iterdir():
            self.assertEqual(path.read_text(), (CRDS / path.name).read_text(), f"cp crds/{path.name} charts/portcullis/files/crds/")

    def test_the_definitions_are_rendered_as_they_are_and_outlive_the_release(self):
        rendered = {document["metadata"]["name"]: document for document in of_kind(render(), "CustomResourceDefinition")}
        for crd in crds().values():
            crd["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep"
            self.assertEqual(rendered.pop(crd["metadata"]["name"]), crd)
        self.assertEqual(rendered, {})
        self.assertEqual(of_kind(render("--set", "crds.enabled=false"), "CustomResourceDefinition"), [])

    def test_names_do_not_depend_on_the_release_and_arguments_follow_them(self):
        other = parse_documents(helm("template", "other", str(CHART), "--namespace", RELEASE_NAMESPACE).stdout)
        self.assertEqual([d["metadata"]["name"] for d in other], [d["metadata"]["name"] for d in render()])
        gate = render("--set", "fullnameOverride=gate")
        arguments = [argument for d in of_kind(gate, "Deployment") for argument in d["spec"]["template"]["spec"]["containers"][0]["args"]]
        self.assertIn("--ca-secret=gate-webhook-ca", arguments)
        self.assertNotIn("portcullis-", " ".join(arguments))
        self.assertTrue(all(webhook["clientConfig"]["service"]["name"] == "gate-webhook"
                            for d in of_kind(gate, "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration") for webhook in d["webhooks"]))

    def test_every_value_is_in_the_manual(self):
        def leaves(values, path=""):
            for key, value in values.items():
                yield from leaves(value, f"{path}{key}.") if isinstance(value, dict) and value and key not in ("resources",) else [path + key]
        manual = (CHART / "README.md").read_text()
        for value in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
            self.assertIn(f"`{value}`", manual)


class Values(unittest.TestCase):
    def refused(self, text, *arguments):
        done = helm("template", "portcullis", str(CHART), *arguments, check=False)
        self.assertNotEqual(done.returncode, 0, f"{arguments} was accepted")
        self.assertIn(text, done.stderr)

    def test_an_unknown_or_malformed_value_is_refused_by_its_path(self):
        for text, arguments in [
                ("additional properties 'webhok' not allowed", ("--set", "webhok.replicas=3")),
                ("additional properties 'replica' not allowed", ("--set", "webhook.replica=3")),
                ("additional properties 'replicas' not allowed", ("--set", "operator.replicas=2")),
                ("/webhook/replicas", ("--set", "webhook.replicas=0")),
                ("/webhook/port", ("--set", "webhook.port=443")),
                ("/image/digest", ("--set", "image.digest=sha256:abc")),
                ("/image/pullPolicy", ("--set", "image.pullPolicy=Sometimes")),
                ("/log/level", ("--set", "log.level=verbose")),
                ("/registries/0", ("--set", "registries[0].scheme=http")),
                ("/registries/0/host", ("--set", "registries[0].host=https://registry.example.com")),
                ("additional properties 'insecure' not allowed", ("--set", "registries[0].host=a.example.com,registries[0].insecure=true")),
                ("/dns/selector", ("--set", "dns.selector=kube-dns")),
                ("/dns/addresses/0", ("--set", "dns.addresses[0]=169.254.20.10")),
                ("/fullnameOverride", ("--set", "fullnameOverride=Port_cullis")),
                ("/crds/enabled", ("--set-string", "crds.enabled=yes"))]:
            with self.subTest(arguments):
                self.refused(text, *arguments)

    def test_values_reach_the_place_they_are_for(self):
        documents = render(*FULL)
        for component in ("operator", "webhook"):
            pod = named(documents, "Deployment", f"portcullis-{component}")["spec"]["template"]
            spec = pod["spec"]
            self.assertEqual(spec["containers"][0]["image"], "registry.example.com/portcullis:v9@sha256:" + "a" * 64)
            self.assertEqual(spec["containers"][0]["imagePullPolicy"], "Always")
            self.assertEqual((pod["metadata"]["annotations"], spec["nodeSelector"], spec["tolerations"], spec["affinity"],
                              spec["priorityClassName"], spec["imagePullSecrets"]),
                             ({"a": "b"}, {"c": "d"}, [{"operator": "Exists"}], {"nodeAffinity": {}}, "high", [{"name": "pull"}]))
            self.assertIn("--metrics-port=9090", arguments_of(documents, component))
            self.assertIn("--log-level=debug", arguments_of(documents, component))
        self.assertEqual([a for a in arguments_of(documents, "operator") if a.startswith("--dns")],
                         ["--dns-namespace=dns", "--dns-selector=app=dns,tier=a", "--dns-address=169.254.20.10/32", "--dns-address=fd00::a/128"])
        self.assertEqual(named(documents, "Deployment", "portcullis-webhook")["spec"]["replicas"], 3)
        self.assertEqual(named(documents, "Service", "portcullis-webhook")["spec"]["ports"], [{"name": "https", "port": 443, "targetPort": 9443}])
        config = named(documents, "ConfigMap", "portcullis-registries")["data"]
        self.assertEqual(yaml.safe_load(config["registries.yaml"]), {"registries": [
            {"host": "registry.example.com:5000", "scheme": "http", "auth": "Anonymous", "mirrors": ["m.example.com"],
             "caFile": "ca-registry.example.com_5000.pem", "requestsPerSecond": 2.5}]})
        self.assertEqual(config["ca-registry.example.com_5000.pem"], "-----BEGIN CERTIFICATE-----")

    def test_parts_can_be_left_out(self):
        kinds = lambda *values: {document["kind"] for document in render(*values)}
        self.assertNotIn("PodDisruptionBudget", kinds("--set", "webhook.podDisruptionBudget.enabled=false"))
        self.assertNotIn("AISecurityProfile", kinds("--set", "profiles.enabled=false"))
        roles = {document["metadata"]["name"] for document in of_kind(render("--set", "rbac.aggregateRoles=false"), "ClusterRole")}
        self.assertEqual(roles, {"portcullis-operator", "portcullis-webhook", "portcullis-secret-access"})


class Programs(unittest.TestCase):
    def test_the_programs_know_every_flag_that_they_are_given(self):
        for component in ("operator", "webhook"):
            known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / component / "options.cpp").read_text()))
            for argument in arguments_of(render(*FULL), component):
                self.assertIn(argument.split("=")[0], known, component)

    def test_ports_and_mounts_fit_the_arguments(self):
        for values in ([], FULL):
            documents = render(*values)
            spec = named(documents, "Deployment", "portcullis-webhook")["spec"]["template"]["spec"]
            container = spec["containers"][0]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            self.assertIn(f"--port={ports['https']}", container["args"])
            self.assertIn(f"--metrics-port={ports['metrics']}", container["args"])
            (mount,) = container["volumeMounts"]
            self.assertIn(f"--registries={mount['mountPath']}/registries.yaml", container["args"])

    def test_a_replica_that_ends_has_time_to_answer_what_it_took(self):
        for document in of_kind(render(), "Deployment"):
            spec = document["spec"]["template"]["spec"]
            sleep = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            # The longest webhook call, and the drain of the program.
            self.assertGreaterEqual(spec["terminationGracePeriodSeconds"], sleep + 10 + 15)

    def test_every_webhook_has_a_route_and_every_route_a_webhook(self):
        routes = set(re.findall(r'"(/(?:validate|mutate)/[a-z]+)"', (ROOT / "webhook" / "app.cpp").read_text()))
        paths = {webhook["clientConfig"]["service"]["path"] for document in of_kind(
            render(), "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration") for webhook in document["webhooks"]}
        self.assertEqual(paths, routes)


class Webhooks(unittest.TestCase):
    def setUp(self):
        self.webhooks = {webhook["name"]: webhook for document in of_kind(
            render(), "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration") for webhook in document["webhooks"]}

    def test_they_fail_closed_but_for_the_kinds_that_deny_by_themselves(self):
        self.assertEqual({name: (webhook["failurePolicy"], webhook["timeoutSeconds"]) for name, webhook in self.webhooks.items()}, {
            "pins.portcullis.dev": ("Fail", 5), "pods.portcullis.dev": ("Fail", 10), "controllers.portcullis.dev": ("Fail", 10),
            "aiworkloads.portcullis.dev": ("Fail", 10), "policies.portcullis.dev": ("Ignore", 10)})

    def test_they_have_no_side_effects_and_see_every_version(self):
        for name, webhook in self.webhooks.items():
            self.assertEqual((webhook["sideEffects"], webhook["matchPolicy"], webhook["admissionReviewVersions"]), ("None", "Equivalent", ["v1"]), name)
        self.assertEqual(self.webhooks["pins.portcullis.dev"]["reinvocationPolicy"], "IfNeeded")

    def test_every_kind_that_bears_images_is_seen(self):
        seen = {(group, resource): set(rule["operations"]) for name in ("pods.portcullis.dev", "controllers.portcullis.dev")
                for rule in self.webhooks[name]["rules"] for group in rule["apiGroups"] for resource in rule["resources"]}
        both = {"CREATE", "UPDATE"}
        self.assertEqual(seen, {
            ("", "pods"): both, ("", "pods/ephemeralcontainers"): {"UPDATE"}, ("", "replicationcontrollers"): both,
            ("apps", "replicasets"): both, ("apps", "deployments"): both, ("apps", "statefulsets"): both, ("apps", "daemonsets"): both,
            ("batch", "jobs"): both, ("batch", "cronjobs"): both})

    def test_namespaces_are_chosen_by_label_and_left_out_by_name_only(self):
        for name in ("pins.portcullis.dev", "pods.portcullis.dev", "controllers.portcullis.dev"):
            self.assertEqual(self.webhooks[name]["namespaceSelector"], {"matchExpressions": [
                {"key": "portcullis.dev/profile", "operator": "Exists"},
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn",
                 "values": ["kube-system", "kube-node-lease", "kube-public", RELEASE_NAMESPACE]}]}, name)
        for webhook in self.webhooks.values():
            self.assertNotIn("objectSelector", webhook, "its labels are in the tenant's hands")
        self.assertNotIn("namespaceSelector", self.webhooks["aiworkloads.portcullis.dev"])


class Rights(unittest.TestCase):
    def setUp(self):
        self.documents = render()
        self.roles = of_kind(self.documents, "ClusterRole", "Role")
        self.rules = [(role, rule) for role in self.roles for rule in role["rules"]]

    def rules_of(self, component, kind="ClusterRole"):
        return named(self.documents, kind, f"portcullis-{component}")["rules"]

    def test_no_rule_has_a_wildcard_or_a_verb_that_raises_rights(self):
        for role, rule in self.rules:
            for words in rule.values():
                self.assertFalse(any("*" in word for word in words), (role["metadata"]["name"], rule))
            self.assertFalse({"escalate", "impersonate", "approve", "sign"} & set(rule["verbs"]))
            self.assertFalse({"nodes/proxy", "pods/exec", "pods/attach", "serviceaccounts/token"} & set(rule["resources"]))
            if "bind" in rule["verbs"]:
                self.assertEqual((rule["resources"], rule["resourceNames"]), (["clusterroles"], ["portcullis-secret-access"]))

    def test_nobody_reads_secrets_of_the_whole_cluster(self):
        bound = {binding["roleRef"]["name"] for binding in of_kind(self.documents, "ClusterRoleBinding")}
        for role, rule in self.rules:
            if "secrets" in rule["resources"] and role["kind"] == "ClusterRole":
                self.assertNotIn(role["metadata"]["name"], bound)
                self.assertNotIn("aggregationRule", role)
                self.assertFalse([label for label in role["metadata"]["labels"] if "aggregate-to" in label])
                self.assertEqual(rule["verbs"], ["get"])
            if "secrets" in rule["resources"] and role["kind"] == "Role" and rule["verbs"] != ["create"]:
                self.assertEqual((role["metadata"]["namespace"], rule["resourceNames"]), (RELEASE_NAMESPACE, ["portcullis-webhook-ca"]))

    def test_the_webhook_writes_nothing(self):
        for kind in ("ClusterRole", "Role"):
            for rule in self.rules_of("webhook", kind):
                if rule["resources"] != ["subjectaccessreviews"]:
                    self.assertLessEqual(set(rule["verbs"]), {"get", "list", "watch"}, rule)

    def test_the_operator_writes_only_what_it_must(self):
        written = {(resource, tuple(rule.get("resourceNames", []))): set(rule["verbs"]) - {"get", "list", "watch"}
                   for rule in self.rules_of("operator") for resource in rule["resources"]
                   if set(rule["verbs"]) - {"get", "list", "watch"}}
        names = ("portcullis-secret-access", "portcullis-pull-secrets")
        status = {(f"{kind}/status", ()): {"patch"} for kind in ("trustpolicies", "trustedroots", "aisecurityprofiles", "aisecurityexceptions")}
        self.assertEqual(written, {
            ("aiworkloads", ()): {"patch", "update"}, ("aiworkloads/status", ()): {"patch", "update"}, ("aiworkloads/finalizers", ()): {"update"},
            ("networkpolicies", ()): {"create", "patch", "delete"}, ("events", ()): {"create", "patch"},
            ("validatingwebhookconfigurations", ("portcullis",)): {"patch"}, ("mutatingwebhookconfigurations", ("portcullis",)): {"patch"},
            ("clusterroles", ("portcullis-secret-access",)): {"bind"},
            ("rolebindings", names): {"create", "patch", "delete"}, ("roles", names[1:]): {"create", "patch", "delete"}, **status})

    def test_bindings_name_our_own_accounts_and_nobody_else(self):
        for binding in of_kind(self.documents, "ClusterRoleBinding", "RoleBinding"):
            for subject in binding["subjects"]:
                self.assertIn(f"system:serviceaccount:{subject['namespace']}:{subject['name']}", (OPERATOR, WEBHOOK))
                self.assertEqual(binding["roleRef"]["name"], subject["name"])


ROWS = {  # design.md 2.4: column, evidence, limits of the scan, and the rest
    "Internal": ("720h", {"Critical": "168h"}), "Confidential": ("336h", {"Critical": "72h", "High": "720h"}),
    "Restricted": ("168h", {"Critical": "24h", "High": "336h"}),
}


class Profiles(unittest.TestCase):
    def setUp(self):
        self.profiles = {document["metadata"]["name"]: document for document in of_kind(render(), "AISecurityProfile")}

    def test_audit_has_the_rows_of_default_and_only_reports(self):
        default, audit = self.profiles["default"]["spec"], self.profiles["audit"]["spec"]
        self.assertEqual((default["baseline"].pop("mode"), audit["baseline"].pop("mode")), ("Enforce", "Audit"))
        self.assertEqual(default, audit)

    def test_rows_are_those_of_the_design(self):
        spec = self.profiles["default"]["spec"]
        self.assertEqual(spec["baseline"], {
            "mode": "Enforce", "images": {"tags": "Pin", "evidence": [{"type": "Signature"}]},
            "models": {"undeclared": "Allow", "evidence": [{"type": "Signature"}]}, "podSecurity": {"level": "Baseline"},
            "sessions": "Allow", "network": {"isolation": "None"}})
        rows = {row["level"]: row["requirements"] for row in spec["classifications"]}
        for level, (age, limits) in ROWS.items():
            scan = rows[level]["images"]["evidence"][0]
            self.assertEqual((scan["type"], scan["maxAge"]), ("Scan", age))
            self.assertEqual({limit["severity"]: limit["after"] for limit in scan["failOn"]}, limits)
        self.assertEqual([row["network"] for row in rows.values()],
                         [{"isolation": "Ingress"}, {"isolation": "Full"}, {"isolation": "Full", "publicEgress": "Deny"}])
        self.assertEqual([row.get("declare") for row in rows.values()], [None, ["Contact"], ["Contact", "Purpose"]])
        self.assertEqual(rows["Restricted"]["images"]["evidence"][1], {"type": "SBOM"})
        self.assertEqual(rows["Restricted"]["secrets"], {"maxAge": "2160h"})
        self.assertEqual(rows["Restricted"]["podSecurity"], {**rows["Confidential"]["podSecurity"], "readOnlyRootFilesystem": "Required"})
        self.assertEqual(rows["Confidential"]["podSecurity"], {"level": "Restricted", "apiToken": "Deny"})
        self.assertEqual((rows["Confidential"]["sessions"], rows["Confidential"]["models"]), ("Deny", {"undeclared": "Deny"}))

    def test_risk_classes_ask_for_what_their_column_asks(self):
        spec = self.profiles["default"]["spec"]
        rows = {row["level"]: row["requirements"] for row in spec["classifications"]}
        self.assertEqual({row["level"]: row["requirements"] for row in spec["riskClasses"]},
                         {"Limited": rows["Internal"], "High": rows["Restricted"]})

    def test_they_carry_a_revision_and_are_never_deleted_to_be_made_anew(self):
        for profile in self.profiles.values():
            annotations = profile["metadata"]["annotations"]
            self.assertEqual(annotations["portcullis.dev/profile-revision"], "1")
            self.assertEqual(annotations["helm.sh/hook-delete-policy"], "keep")
        for profile in of_kind(render("--set", "profiles.asHooks=false"), "AISecurityProfile"):
            self.assertNotIn("helm.sh/hook", profile["metadata"]["annotations"])


if __name__ == "__main__":
    unittest.main()
