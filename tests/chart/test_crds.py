"""The five custom resource definitions, as a real API server takes them."""

import os
import re
import subprocess
import unittest

import yaml

from refusals import ACCEPTED, EXCEPTION, POLICY, PROFILE, ROWS, TRUSTED_ROOT, WORKLOAD
from support import CRDS, ROOT, Api, changed, collection_path, crds, install_crds, object_path, schema_of

STRICT, LENIENT = "?dryRun=All&fieldValidation=Strict", "?dryRun=All&fieldValidation=Ignore"


def setUpModule():
    global api
    api = Api()
    install_crds(api)


def tearDownModule():
    api.close()


def walk(schema, path=""):
    """Every schema node below `schema`, with its path."""
    yield path, schema
    for name, member in schema.get("properties", {}).items():
        yield from walk(member, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], path + "[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from walk(schema["additionalProperties"], path + "{}")


def nodes():
    for name, crd in crds().items():
        for part in ("spec", "status"):
            yield from walk(schema_of(crd)["properties"][part], f"{name}.{part}")


def contains(larger, smaller):
    """Everything of `smaller` is in `larger`; the server may have added defaults."""
    if isinstance(smaller, dict):
        return isinstance(larger, dict) and all(key in larger and contains(larger[key], value) for key, value in smaller.items())
    if isinstance(smaller, list):
        return len(larger) == len(smaller) and all(map(contains, larger, smaller))
    return larger == smaller


class Shape(unittest.TestCase):
    def test_every_string_list_and_map_is_bounded(self):
        for path, node in nodes():
            kind = node.get("type")
            with self.subTest(path):
                if kind == "string":
                    self.assertTrue({"maxLength", "enum"} & node.keys(), "a string without maxLength or enum")
                if kind == "array":
                    self.assertIn("maxItems", node)
                    self.assertIn(node["x-kubernetes-list-type"], ("map", "set", "atomic"))
                if "additionalProperties" in node:
                    self.assertIn("maxProperties", node)

    def test_lists_of_named_things_merge_by_key(self):
        for path, node in nodes():
            item = node.get("items", {})
            if node.get("x-kubernetes-list-type") == "map":
                with self.subTest(path):
                    self.assertLessEqual(set(node["x-kubernetes-list-map-keys"]), set(item["required"]))

    def test_no_field_is_a_boolean_a_float_or_of_unknown_shape(self):
        for path, node in nodes():
            with self.subTest(path):
                self.assertNotIn(node.get("type"), ("boolean", "number"))
                self.assertNotIn("x-kubernetes-preserve-unknown-fields", node)

    def test_enumerated_words_are_written_in_pascal_case(self):
        for path, node in nodes():
            for word in node.get("enum", []):
                if word not in ("rbac.authorization.k8s.io",):
                    self.assertRegex(word, r"^[A-Z][A-Za-z0-9]*$", path)

    def test_every_constraint_list_of_a_specification_has_at_least_one_item(self):
        for path, node in nodes():
            if ".spec" in path and node.get("type") == "array":
                self.assertEqual(node.get("minItems"), 1, path)

    def test_every_field_says_what_it_is(self):
        for path, node in nodes():
            for name, member in node.get("properties", {}).items():
                self.assertTrue(member.get("description", "").strip(), f"{path}.{name}")

    def test_conditions_come_first_in_every_status(self):
        for name, crd in crds().items():
            self.assertEqual(next(iter(schema_of(crd)["properties"]["status"]["properties"])), "conditions", name)

    def test_requirements_have_one_shape_wherever_they_stand(self):
        found = {path: {key: value for key, value in node.items() if key != "description"} for path, node in nodes()
                 if ".spec" in path and {"mode", "images", "podSecurity"} <= node.get("properties", {}).keys()}
        self.assertEqual(len(found), 4, found.keys())
        first = next(iter(found.values()))
        for path, shape in found.items():
            self.assertEqual(shape, first, path)

    def test_peers_and_ports_have_one_shape_in_both_directions(self):
        found = dict(nodes())
        for end in ("", ".ports"):
            ingress, egress = (found[f"aiworkloads.spec.network.{side}[]{end or '.' + peers}"]
                               for side, peers in (("ingress", "from"), ("egress", "to")))
            self.assertEqual(ingress["items"], egress["items"])

    def test_the_metadata_addresses_are_those_that_the_operator_excepts(self):
        source = (ROOT / "lib" / "policy" / "cidr.cpp").read_text()
        excepted = re.findall(r'"([0-9a-f.:]+/\d+)"', source[source.index("metadata_ranges()"):source.index("private_ranges()")])
        cidr = dict(nodes())["aiworkloads.spec.network.egress[].to[].cidr"]
        refused = re.findall(r"'([0-9a-f.:]+/\d+)'", cidr["x-kubernetes-validations"][2]["rule"])
        self.assertEqual(refused, excepted)

    def test_the_programs_can_tell_the_revision_of_each_schema(self):
        for name, crd in crds().items():
            self.assertEqual(crd["metadata"]["annotations"]["portcullis.dev/schema"], "1", name)


class Examples(unittest.TestCase):
    def test_every_example_is_taken_whole(self):
        documents = [(path.name, document) for path in sorted((CRDS / "examples").glob("*.yaml"))
                     for document in yaml.safe_load_all(path.read_text())]
        self.assertGreaterEqual({document["kind"] for _, document in documents},
                                {"AIWorkload", "TrustPolicy", "TrustedRoot", "AISecurityProfile", "AISecurityException"})
        namespaces = {document["metadata"].get("namespace", "default") for _, document in documents} - {"default"}
        for namespace in namespaces:
            api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for file, document in documents:
            with self.subTest(f"{file}: {document['kind']} {document['metadata']['name']}"):
                if document["kind"] == "Namespace":
                    self.assertIn("portcullis.dev/profile", document["metadata"]["labels"])
                    continue
                stored = api.must("POST", collection_path(document) + STRICT, document)
                self.assertTrue(contains(stored["spec"], document["spec"]), "the server dropped or changed a field")

    def test_kubectl_explain_tells_what_a_field_is_for(self):
        environment = dict(os.environ, KUBECONFIG=os.environ["PORTCULLIS_TEST_KUBECONFIG"])
        for field, text in [("aiworkload.spec.requirements.images.evidence.maxAge", "by the time written in the report"),
                            ("trustpolicy.spec.authorities.vouchesFor", "Kinds of evidence that count"),
                            ("aisecurityprofile.spec.unselectedPods", "pods that no AIWorkload selects")]:
            said = subprocess.run(["kubectl", "explain", field], capture_output=True, text=True, env=environment, check=True).stdout
            self.assertIn(text, re.sub(r"\s+", " ", said))


class Rules(unittest.TestCase):
    def test_what_must_be_refused_is_refused_with_its_reason(self):
        for base, changes, _, text in ROWS:
            with self.subTest(f"{base['kind']} {list(changes.items())}"[:200]):
                document = changed(base, changes)
                status, answer = api.call("POST", collection_path(document) + LENIENT, document)
                self.assertEqual(status, 422, answer.get("message"))
                self.assertIn(text, answer["message"])

    def test_every_rule_of_the_schemas_refuses_something_in_the_table(self):
        messages = set()
        for name, crd in crds().items():
            for path, node in walk(schema_of(crd), name):
                messages |= {rule["message"] for rule in node.get("x-kubernetes-validations", [])}
        self.assertEqual(messages, {rule for _, _, rule, _ in ROWS if rule})

    def test_what_lies_within_the_bounds_is_accepted(self):
        for base, changes in ACCEPTED:
            with self.subTest(f"{base['kind']} {list(changes.items())}"[:200]):
                document = changed(base, changes)
                status, answer = api.call("POST", collection_path(document) + STRICT, document)
                self.assertEqual(status, 201, answer.get("message"))

    def test_defaults_are_those_of_the_manual(self):
        workload = changed(WORKLOAD, {"spec.network": {}, "spec.secrets": [
            {"name": "token", "generate": {"keys": ["token"]}}, {"name": "tls", "certificate": {"dnsNames": ["a.default.svc"]}}]})
        spec = api.must("POST", collection_path(workload) + STRICT, workload)["spec"]
        self.assertEqual(spec["network"], {"withinWorkload": "Allow", "dns": "Cluster", "apiServer": "Deny"})
        self.assertEqual(spec["secrets"][0]["generate"], {"keys": ["token"], "length": 48, "alphabet": "Base62"})
        self.assertEqual(spec["secrets"][1]["certificate"], {"dnsNames": ["a.default.svc"], "duration": "2160h", "renewBefore": "720h"})
        self.assertEqual(api.must("POST", collection_path(POLICY) + STRICT, POLICY)["spec"]["mode"], "Enforce")
        profile = api.must("POST", collection_path(PROFILE) + STRICT, PROFILE)["spec"]
        self.assertEqual((profile["unselectedPods"], profile["podSecurityLabels"], profile["runningPods"]), ("Allow", "None", "Report"))


CONDITION = {"type": "Ready", "status": "True", "reason": "Applied", "message": "in place", "observedGeneration": 1,
             "lastTransitionTime": "2026-11-24T12:00:00Z"}
STATUS = {
    "conditions": [CONDITION, {**CONDITION, "type": "Trusted", "status": "Unknown"}], "observedGeneration": 1,
    "effective": {
        # Empty: no class satisfies all rules. A specification could not say so, a status must.
        "requirements": {"mode": "Audit", "podSecurity": {"runtimeClassNames": []}, "images": {"tags": "Pin", "evidence": [
            {"type": "Scan", "maxAge": "168h", "failOn": [{"severity": "High", "after": "0s"}]}]}},
        "sources": [{"field": "images.tags", "from": "floor"}], "unsatisfiable": ["podSecurity.runtimeClassNames"]},
    "pods": {"selected": 3, "violating": 1}, "nextExpiryTime": "2026-12-24T12:00:00Z",
    "images": [{"reference": "registry.example.com/a:1", "digest": "sha256:" + "0" * 64, "field": "spec.containers[0].image",
                "verdict": "Refused", "reason": "Unsigned", "policies": ["ours"], "authorities": ["ours/ci"],
                "scanTime": "2026-11-20T12:00:00Z", "expiryTime": "2026-12-24T12:00:00Z", "message": "sign it"}],
    "models": [{"name": "base", "digest": "sha256:" + "0" * 64, "verification": "Verified"}],
    "objects": [{"kind": "NetworkPolicy", "name": "row-portcullis", "state": "Applied"}],
    "foreignPolicies": [{"name": "open", "opens": "ingress from all namespaces"}],
}


class Status(unittest.TestCase):
    def make(self, document):
        api.call("DELETE", object_path(document))
        api.must("POST", collection_path(document), document)
        self.addCleanup(api.call, "DELETE", object_path(document))

    def test_a_whole_status_is_kept_and_shown(self):
        workload = changed(WORKLOAD, {"spec.riskClass": "High"})
        self.make(workload)
        status, answer = api.apply({**workload, "status": STATUS}, object_path(WORKLOAD) + "/status?fieldValidation=Strict")
        self.assertEqual(status, 200, answer.get("message"))
        self.assertEqual(answer["status"], STATUS)
        table = api.must("GET", collection_path(WORKLOAD), accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        columns = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]
        wide = [column["name"] for column in table["columnDefinitions"] if column["priority"] > 0]
        self.assertEqual(columns, ["Name", "Ready", "Trusted", "Mode", "Data", "Risk", "Pods", "Violating", "Age"])
        self.assertEqual(wide, ["Reason", "Next-Expiry"])
        cells = dict(zip([column["name"] for column in table["columnDefinitions"]], table["rows"][0]["cells"]))
        cells.pop("Age")
        self.assertEqual(cells, {"Name": "row", "Ready": "True", "Trusted": "Unknown", "Mode": "Audit", "Data": "Internal", "Risk": "High",
                                 "Pods": 3, "Violating": 1, "Reason": "Applied", "Next-Expiry": "2026-12-24T12:00:00Z"})

    def test_the_cluster_kinds_keep_their_status(self):
        for document, status in [
                (POLICY, {"matchedImages": 2, "authorities": [{"name": "ci", "fingerprint": "sha256:" + "0" * 64}]}),
                (TRUSTED_ROOT, {"logs": 1, "certificateAuthorities": 1, "timestampAuthorities": 0, "nextExpiryTime": "2027-01-01T00:00:00Z"}),
                (PROFILE, {}), (EXCEPTION, {})]:
            with self.subTest(document["kind"]):
                self.make(document)
                whole = {"conditions": [CONDITION], "observedGeneration": 1, **status}
                code, answer = api.apply({**document, "status": whole}, object_path(document) + "/status?fieldValidation=Strict")
                self.assertEqual((code, answer.get("status")), (200, whole), answer.get("message"))

    def test_writing_the_object_leaves_its_status_alone(self):
        self.make(WORKLOAD)
        code, answer = api.patch(object_path(WORKLOAD), {"status": {"pods": {"selected": 9}}})
        self.assertEqual(code, 200)
        self.assertNotIn("status", answer)


if __name__ == "__main__":
    unittest.main()
