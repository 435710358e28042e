"""The chart as helm installs it into a real API server: whom it stops, whom it lets through, what it leaves behind.

No program of ours runs here, so a webhook that is called fails, which shows that it was called, and everything that goes through was
let through without it. The admission policies and the rights are the API server's own work.
"""

import base64
import datetime
import unittest

from support import (CHART, GROUP, OPERATOR, RELEASE_NAMESPACE, WEBHOOK, Api, changed, collection_path, crds, helm, object_path, render, wait_until)

TENANT = "tenant@example.com"
GUARDIAN = "guardian@example.com"  # a tenant who also holds the verb protect on the profile
NAMESPACE = "chart-tests"
LABEL = "portcullis.dev/profile"
OWNED = {"portcullis.dev/workload": "triage"}
DIGEST = "@sha256:" + "0" * 64
CORE = f"/api/v1/namespaces/{NAMESPACE}"
CONFIGURATIONS = [f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/portcullis" for kind in ("validating", "mutating")]
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def pod(name, image="registry.example.com/app" + DIGEST, namespace=NAMESPACE, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"app": "triage"}},
            "spec": {"containers": [{"name": "main", "image": image}], **spec}}


def network_policy(name, labels=None, namespace=NAMESPACE):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}


def deployment(name, labels=None):
    template = {"metadata": {"labels": {"app": name}}, "spec": pod("x")["spec"]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels or {}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}}


def cluster_role(name, *rules):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def cluster_binding(name, role, *users):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user} for user in users]}


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


WORKLOAD = {"apiVersion": "portcullis.dev/v1alpha1", "kind": "AIWorkload", "metadata": {"name": "triage", "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Internal"}}


def everything_allowed_but_protect():
    """Tenants here may write all that is tested, so that what stops them is the chart."""
    api.apply(cluster_role(
        "chart-tests-tenant",
        {"apiGroups": [""], "resources": ["namespaces", "namespaces/status", "namespaces/finalize", "pods", "pods/status", "pods/binding", "bindings",
                                          "pods/ephemeralcontainers", "secrets", "serviceaccounts"], "verbs": ["*"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["*"]},
        {"apiGroups": ["portcullis.dev"], "resources": ["aiworkloads"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}))
    api.apply(cluster_binding("chart-tests-tenant", "chart-tests-tenant", TENANT, GUARDIAN))
    api.apply(cluster_role("chart-tests-guardian", {"apiGroups": ["portcullis.dev"], "resources": ["aisecurityprofiles"],
                                                    "resourceNames": ["default"], "verbs": ["protect"]}))
    api.apply(cluster_binding("chart-tests-guardian", "chart-tests-guardian", GUARDIAN))


def setUpModule():
    global api
    api = Api()
    unittest.addModuleCleanup(api.close)
    # Before protection: with no program running, no pod comes into a protected namespace.
    api.apply(namespace(NAMESPACE))
    api.apply(namespace(RELEASE_NAMESPACE, **{"pod-security.kubernetes.io/enforce": "restricted"}))
    wait_until("the namespace has its ServiceAccount", lambda: api.call("GET", f"{CORE}/serviceaccounts/default")[0] == 200)
    for document in (pod("bound"), deployment("judged"), network_policy("mine")):
        api.must("POST", collection_path(document), document)
    everything_allowed_but_protect()
    # The first install meets a server that does not know our kinds.
    for crd in crds().values():
        api.call("DELETE", object_path(crd))
        wait_until(f"{crd['metadata']['name']} is gone", lambda path=object_path(crd): api.call("GET", path)[0] == 404)
    helm("install", "portcullis", str(CHART), "--namespace", RELEASE_NAMESPACE)
    unittest.addModuleCleanup(helm, "uninstall", "portcullis", "--namespace", RELEASE_NAMESPACE, check=False)
    # A workload that was let in, in the place of the webhook.
    for path in CONFIGURATIONS:
        api.must("DELETE", path)
    wait_until("the workload is let in", lambda: api.call("POST", collection_path(WORKLOAD), WORKLOAD)[0] == 201)
    helm("upgrade", "portcullis", str(CHART), "--namespace", RELEASE_NAMESPACE)
    api.must("PATCH", f"/api/v1/namespaces/{NAMESPACE}", {"metadata": {"labels": {LABEL: "default"}}}, kind="application/merge-patch+json")
    unittest.addModuleCleanup(api.call, "DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    wait_until("the policies and webhooks are in force", in_force)


def in_force():
    """Each is read by the API server in its own time."""
    unprotected = api.patch(f"/api/v1/namespaces/{NAMESPACE}?dryRun=All", {"metadata": {"labels": {LABEL: None}}}, user=TENANT)[0]
    relabelled = api.patch(f"{CORE}/pods/bound/status?dryRun=All", {"metadata": {"labels": {"x": "y"}}}, user=TENANT)[0]
    forged = api.call("POST", collection_path(network_policy("x")) + "?dryRun=All", network_policy("x", OWNED), user=TENANT)[0]
    late = api.call("POST", f"{GROUP}/aisecurityexceptions?dryRun=All", exception(365))[0]
    called = [api.call("POST", collection_path(document) + "?dryRun=All", document)[0] for document in (pod("x"), pod("x", "a:b"), changed(WORKLOAD, {"metadata.name": "x"}))]
    return [unprotected, relabelled, forged, late, *called] == [403, 403, 403, 422, 500, 500, 500]


def exception(days):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return {"apiVersion": "portcullis.dev/v1alpha1", "kind": "AISecurityException", "metadata": {"name": "row"},
            "spec": {"target": {"namespace": "clinic", "workloadNames": ["triage"]}, "images": ["registry.example.com/app"],
                     "waive": [{"check": "Scan"}], "reason": "test", "expiryTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}


class Case(unittest.TestCase):
    def assertRefused(self, answer, text, status=403):
        self.assertEqual(answer[0], status, answer[1].get("message"))
        self.assertIn(text, answer[1]["message"])

    def assertDone(self, answer):
        self.assertLess(answer[0], 300, answer[1].get("message"))


class Installed(Case):
    def test_the_server_takes_every_document_as_it_is(self):
        for document in render():
            with self.subTest(f"{document['kind']} {document['metadata']['name']}"):
                self.assertDone(api.apply(document, object_path(document) + "?dryRun=All&fieldValidation=Strict"))

    def test_both_pods_meet_the_restricted_pod_security_standard(self):
        for document in render():
            if document["kind"] == "Deployment":
                one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": RELEASE_NAMESPACE,
                                                                       "labels": document["spec"]["template"]["metadata"]["labels"]},
                       "spec": document["spec"]["template"]["spec"]}
                self.assertDone(api.call("POST", collection_path(one) + "?dryRun=All&fieldValidation=Strict", one))
        self.assertRefused(api.call("POST", f"/api/v1/namespaces/{RELEASE_NAMESPACE}/pods?dryRun=All", pod("x", namespace=RELEASE_NAMESPACE)),
                           'violates PodSecurity "restricted:latest"')

    def test_both_profiles_are_there_after_one_command(self):
        for name in ("default", "audit"):
            self.assertEqual(api.must("GET", f"{GROUP}/aisecurityprofiles/{name}")["metadata"]["annotations"]["portcullis.dev/profile-revision"], "1")

    def test_policies_are_free_of_type_errors(self):
        for document in render():
            if document["kind"] == "ValidatingAdmissionPolicy":
                checked = lambda path=object_path(document): api.must("GET", path).get("status", {}).get("typeChecking")
                wait_until("the policy was checked", lambda: checked() is not None)
                self.assertEqual(checked(), {}, document["metadata"]["name"])

    def test_an_upgrade_leaves_the_ca_bundle_to_the_operator(self):
        bundle = base64.b64encode(api.ca_pem.encode()).decode()
        for path in CONFIGURATIONS:
            current = api.must("GET", path)
            intent = {"apiVersion": current["apiVersion"], "kind": current["kind"], "metadata": {"name": "portcullis"},
                      "webhooks": [{"name": webhook["name"], "clientConfig": {"caBundle": bundle}} for webhook in current["webhooks"]]}
            self.assertDone(api.apply(intent, path, manager="portcullis-operator-ca", user=OPERATOR))
        helm("upgrade", "portcullis", str(CHART), "--namespace", RELEASE_NAMESPACE, "--set", "webhook.replicas=3")
        for path in CONFIGURATIONS:
            for webhook in api.must("GET", path)["webhooks"]:
                self.assertEqual(webhook["clientConfig"]["caBundle"], bundle)


class NamespaceLabel(Case):
    def paths(self):
        current = api.must("GET", f"/api/v1/namespaces/{NAMESPACE}")
        gone = changed(current, {"metadata.labels": {"kubernetes.io/metadata.name": NAMESPACE}})
        other = changed(current, {"metadata.labels": {"kubernetes.io/metadata.name": NAMESPACE, LABEL: "audit"}})
        for subresource in ("", "/status", "/finalize"):
            for document in (gone, other):
                yield f"/api/v1/namespaces/{NAMESPACE}{subresource}?dryRun=All", document

    def test_a_tenant_can_neither_remove_nor_change_it_by_any_path(self):
        for path, document in self.paths():
            with self.subTest(path):
                self.assertRefused(api.call("PUT", path, document, user=TENANT),
                                   "needs the verb protect on aisecurityprofiles.portcullis.dev/default")

    def test_who_holds_protect_on_the_profile_can(self):
        for path, document in self.paths():
            with self.subTest(path):
                self.assertDone(api.call("PUT", path, document, user=GUARDIAN))

    def test_protect_on_one_profile_is_no_right_on_another(self):
        api.must("POST", "/api/v1/namespaces", namespace("chart-tests-audit", **{LABEL: "audit"}))
        self.addCleanup(api.call, "DELETE", "/api/v1/namespaces/chart-tests-audit")
        self.assertRefused(api.patch("/api/v1/namespaces/chart-tests-audit", {"metadata": {"labels": {LABEL: "default"}}}, user=GUARDIAN),
                           "aisecurityprofiles.portcullis.dev/audit")

    def test_other_labels_and_setting_it_anew_are_free(self):
        self.assertDone(api.patch(f"/api/v1/namespaces/{NAMESPACE}", {"metadata": {"labels": {"team": "clinic"}}}, user=TENANT))
        api.must("POST", "/api/v1/namespaces", namespace("chart-tests-open"))
        self.addCleanup(api.call, "DELETE", "/api/v1/namespaces/chart-tests-open")
        self.assertDone(api.patch("/api/v1/namespaces/chart-tests-open", {"metadata": {"labels": {LABEL: "default"}}}, user=TENANT))


class PodLabels(Case):
    def test_labels_do_not_change_through_the_status(self):
        for labels in ({"app": "other"}, {"app": None}, {"more": "x"}):
            self.assertRefused(api.patch(f"{CORE}/pods/bound/status", {"metadata": {"labels": labels}}, user=TENANT), "cannot change through a subresource")
        self.assertDone(api.patch(f"{CORE}/pods/bound/status", {"status": {"message": "well"}}, user=TENANT))

    def test_not_even_by_an_administrator(self):
        self.assertRefused(api.patch(f"{CORE}/pods/bound/status", {"metadata": {"labels": {"app": "other"}}}), "cannot change through a subresource")

    def test_a_binding_carries_topology_labels_only(self):
        for path in (f"{CORE}/pods/bound/binding", f"{CORE}/bindings"):
            binding = lambda labels: {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "bound", "namespace": NAMESPACE, "labels": labels},
                                      "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}
            self.assertRefused(api.call("POST", path + "?dryRun=All", binding({"app": "other"}), user=TENANT), "only labels that begin with topology.kubernetes.io/")
            self.assertDone(api.call("POST", path + "?dryRun=All", binding({"topology.kubernetes.io/zone": "a"}), user=TENANT))


class OwnedObjects(Case):
    def make(self, document):
        api.must("POST", collection_path(document), document, user=OPERATOR if document["kind"] == "NetworkPolicy" else None)
        self.addCleanup(api.call, "DELETE", object_path(document))
        return object_path(document)

    def test_a_tenant_neither_makes_changes_nor_deletes_them(self):
        text = "only the Portcullis operator writes it"
        for document in (network_policy("triage-portcullis", OWNED),
                         {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": NAMESPACE, "labels": OWNED}},
                         {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "triage", "namespace": NAMESPACE, "labels": OWNED}}):
            with self.subTest(document["kind"]):
                self.assertRefused(api.call("POST", collection_path(document), document, user=TENANT), text)
                path = self.make(document)
                self.assertRefused(api.patch(path, {"metadata": {"labels": {"portcullis.dev/workload": None}}}, user=TENANT), text)
                self.assertRefused(api.patch(path, {"metadata": {"annotations": {"a": "b"}}}, user=TENANT), text)
                self.assertRefused(api.call("DELETE", path, user=TENANT), text)
                self.assertRefused(api.call("DELETE", collection_path(document) + "?labelSelector=portcullis.dev/workload", user=TENANT), text)
                self.assertDone(api.call("GET", path, user=TENANT))

    def test_a_tenant_cannot_put_our_label_on_his_own_object(self):
        self.assertRefused(api.patch(object_path(network_policy("mine")), {"metadata": {"labels": OWNED}}, user=TENANT), "only the Portcullis operator")
        self.assertDone(api.patch(object_path(network_policy("mine")), {"metadata": {"labels": {"a": "b"}}}, user=TENANT))

    def test_the_operator_and_who_holds_protect_can(self):
        for user in (OPERATOR, GUARDIAN):
            with self.subTest(user):
                path = self.make(network_policy("free", OWNED))
                self.assertDone(api.patch(path, {"spec": {"policyTypes": ["Ingress", "Egress"]}}, user=user))
                self.assertDone(api.call("DELETE", path, user=user))

    def test_the_garbage_collector_takes_them_with_their_owner(self):
        owner = api.must("POST", f"{CORE}/configmaps", {"metadata": {"name": "owner"}})
        document = network_policy("orphan", OWNED)
        document["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}]
        path = self.make(document)
        api.must("DELETE", f"{CORE}/configmaps/owner")
        wait_until("the NetworkPolicy is gone", lambda: api.call("GET", path)[0] == 404)

    def test_a_namespace_takes_them_with_it(self):
        api.must("POST", "/api/v1/namespaces", namespace("chart-tests-ends", **{LABEL: "default"}))
        self.make(network_policy("last", OWNED, "chart-tests-ends"))
        self.assertDone(api.call("DELETE", "/api/v1/namespaces/chart-tests-ends", user=TENANT))
        wait_until("the namespace is gone", lambda: api.call("GET", "/api/v1/namespaces/chart-tests-ends")[0] == 404)


class ExceptionTime(Case):
    def test_ninety_days_and_no_more(self):
        self.assertRefused(api.call("POST", f"{GROUP}/aisecurityexceptions", exception(91)), "must be 90 days after the creation", 422)
        self.assertDone(api.call("POST", f"{GROUP}/aisecurityexceptions", exception(89)))
        self.addCleanup(api.call, "DELETE", f"{GROUP}/aisecurityexceptions/row")
        self.assertRefused(api.patch(f"{GROUP}/aisecurityexceptions/row", {"spec": {"expiryTime": exception(120)["spec"]["expiryTime"]}}),
                           "must be 90 days after the creation", 422)


class WebhookScope(Case):
    """Nothing answers, so a call of a webhook is a failure that names it."""

    def assertCalled(self, webhook, answer):
        self.assertRefused(answer, f'failed calling webhook "{webhook}"', 500)

    def create(self, document, **options):
        return api.call("POST", collection_path(document) + "?dryRun=All", document, **options)

    def test_pods_with_tags_are_pinned_first_and_pods_with_digests_only_judged(self):
        self.assertCalled("pods.portcullis.dev", self.create(pod("x")))
        for extra in ({}, {"initContainers": [{"name": "i", "image": "a:b"}]}, {"volumes": [{"name": "v", "image": {"reference": "m:1"}}]}):
            document = pod("x", **({"containers": [{"name": "main", "image": "a:b"}]} if not extra else extra))
            self.assertCalled("pins.portcullis.dev", self.create(document))

    def test_ephemeral_containers_are_pinned_and_judged(self):
        current = api.must("GET", f"{CORE}/pods/bound")
        for image, webhook in (("debug:1", "pins.portcullis.dev"), ("debug" + DIGEST, "pods.portcullis.dev")):
            debug = changed(current, {"spec.ephemeralContainers": [{"name": "debug", "image": image}]})
            self.assertCalled(webhook, api.call("PUT", f"{CORE}/pods/bound/ephemeralcontainers?dryRun=All", debug))

    def test_updates_that_change_neither_spec_nor_labels_do_not_wait_for_us(self):
        for path in (f"{CORE}/pods/bound", object_path(deployment("judged"))):
            self.assertDone(api.patch(path, {"metadata": {"annotations": {"note": "x"}}}))
            self.assertRefused(api.patch(path + "?dryRun=All", {"metadata": {"labels": {"app": "other"}}}), "failed calling webhook", 500)
        self.assertCalled("controllers.portcullis.dev", api.patch(object_path(deployment("judged")) + "?dryRun=All", {"spec": {"replicas": 1}}))
        self.assertCalled("pods.portcullis.dev", api.call("PATCH", f"{CORE}/pods/bound?dryRun=All", {"spec": {"containers": [
            {"name": "main", "image": "other" + DIGEST}]}}, kind="application/strategic-merge-patch+json"))

    def test_every_controller_kind_is_judged(self):
        template = deployment("x")["spec"]["template"]
        selector = {"matchLabels": {"app": "x"}}
        job = {"template": changed(template, {"spec.restartPolicy": "Never"})}
        for version, kind, spec in [
                ("v1", "ReplicationController", {"template": template}), ("apps/v1", "ReplicaSet", {"selector": selector, "template": template}),
                ("apps/v1", "Deployment", {"selector": selector, "template": template}), ("apps/v1", "DaemonSet", {"selector": selector, "template": template}),
                ("apps/v1", "StatefulSet", {"selector": selector, "template": template, "serviceName": "x"}), ("batch/v1", "Job", job),
                ("batch/v1", "CronJob", {"schedule": "* * * * *", "jobTemplate": {"spec": job}})]:
            with self.subTest(kind):
                self.assertCalled("controllers.portcullis.dev", self.create(
                    {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": NAMESPACE}, "spec": spec}))

    def test_namespaces_without_the_label_never_wait_for_us_nor_does_our_own(self):
        self.assertDone(self.create(pod("x", "a:b", namespace="default")))
        path = f"/api/v1/namespaces/{RELEASE_NAMESPACE}"
        self.assertDone(api.patch(path, {"metadata": {"labels": {LABEL: "default"}}}))
        self.addCleanup(api.patch, path, {"metadata": {"labels": {LABEL: None}}})
        # Refused by Pod Security, at the end of the chain: no webhook of ours was called before.
        self.assertRefused(self.create(pod("x", "a:b", namespace=RELEASE_NAMESPACE)), "violates PodSecurity")

    def test_aiworkloads_are_judged_in_every_namespace(self):
        self.assertCalled("aiworkloads.portcullis.dev", self.create(changed(WORKLOAD, {"metadata.namespace": "default"})))

    def test_cluster_kinds_can_be_repaired_while_the_webhook_is_down(self):
        self.assertDone(api.call("POST", f"{GROUP}/trustedroots?dryRun=All", {
            "apiVersion": "portcullis.dev/v1alpha1", "kind": "TrustedRoot", "metadata": {"name": "x"}, "spec": {"inline": "{}"}}))


class OperatorRights(Case):
    def test_it_moves_its_finalizer_while_the_webhook_is_down_and_nothing_else(self):
        path, finalizer = object_path(WORKLOAD), {"metadata": {"finalizers": ["portcullis.dev/isolation"]}}
        self.assertRefused(api.patch(path, finalizer, user=TENANT), "failed calling webhook", 500)
        self.assertDone(api.patch(path, finalizer, user=OPERATOR))
        self.assertRefused(api.patch(path, {"spec": {"dataClassification": "Public"}}, user=OPERATOR), "failed calling webhook", 500)
        self.assertRefused(api.patch(path, {"metadata": {"finalizers": None}}, user=TENANT), "failed calling webhook", 500)
        self.assertDone(api.patch(path, {"metadata": {"finalizers": None}}, user=OPERATOR))

    def binding(self, name, role, kind="ClusterRole"):
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name, "namespace": NAMESPACE},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": "portcullis-operator", "namespace": RELEASE_NAMESPACE}]}

    def role(self, *names, resource="secrets"):
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "portcullis-pull-secrets", "namespace": NAMESPACE},
                "rules": [{"apiGroups": [""], "resources": [resource], "resourceNames": list(names), "verbs": ["get"]}]}

    def test_it_reaches_the_secrets_of_a_namespace_only_by_the_one_binding(self):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": NAMESPACE}}
        api.must("POST", collection_path(secret), secret)
        self.addCleanup(api.call, "DELETE", object_path(secret))
        self.assertRefused(api.call("GET", object_path(secret), user=OPERATOR), "cannot get resource")
        # A Role that hands on what it does not hold itself.
        self.assertRefused(api.apply(self.role("pull"), user=OPERATOR), "attempting to grant RBAC permissions not currently held")
        # Other names, and other roles by the right name.
        self.assertRefused(api.apply(self.binding("other", "portcullis-secret-access"), user=OPERATOR), "cannot")
        self.assertRefused(api.apply(self.binding("portcullis-secret-access", "cluster-admin"), user=OPERATOR), "attempting to grant")
        self.assertDone(api.apply(self.binding("portcullis-secret-access", "portcullis-secret-access"), user=OPERATOR))
        self.addCleanup(api.call, "DELETE", f"{RBAC}/namespaces/{NAMESPACE}/rolebindings/portcullis-secret-access")
        wait_until("the right is there", lambda: api.call("GET", object_path(secret), user=OPERATOR)[0] == 200)
        self.assertRefused(api.call("GET", "/api/v1/namespaces/default/secrets/pull", user=OPERATOR), "cannot get resource")
        # Now it can hand on just that: the named Secret, to the webhook.
        self.assertDone(api.apply(self.role("pull"), user=OPERATOR))
        self.addCleanup(api.call, "DELETE", f"{RBAC}/namespaces/{NAMESPACE}/roles/portcullis-pull-secrets")
        self.assertRefused(api.apply(self.role("pull", resource="configmaps"), user=OPERATOR), "attempting to grant")
        self.assertRefused(api.call("GET", object_path(secret), user=WEBHOOK), "cannot get resource")

    def test_neither_program_can_do_more_than_its_work(self):
        for user, verb, group, resource, where, allowed in [
                (OPERATOR, "list", "portcullis.dev", "aiworkloads", "", True), (OPERATOR, "watch", "networking.k8s.io", "networkpolicies", "", True),
                (OPERATOR, "get", "", "secrets", RELEASE_NAMESPACE + "/portcullis-webhook-ca", True),
                (OPERATOR, "create", "", "secrets", RELEASE_NAMESPACE, True), (OPERATOR, "create", "", "secrets", NAMESPACE, False),
                (OPERATOR, "get", "", "secrets", RELEASE_NAMESPACE + "/other", False), (OPERATOR, "list", "", "secrets", "", False),
                (OPERATOR, "delete", "", "pods", NAMESPACE, False), (OPERATOR, "create", "portcullis.dev", "aiworkloads", NAMESPACE, False),
                (OPERATOR, "protect", "portcullis.dev", "aisecurityprofiles", "", False), (OPERATOR, "update", "", "namespaces", "", False),
                (OPERATOR, "patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "/other", False),
                (OPERATOR, "bind", "rbac.authorization.k8s.io", "clusterroles", "/cluster-admin", False),
                (WEBHOOK, "watch", "portcullis.dev", "trustpolicies", "", True), (WEBHOOK, "get", "", "secrets", RELEASE_NAMESPACE + "/portcullis-webhook-ca", True),
                (WEBHOOK, "get", "", "secrets", NAMESPACE + "/pull", False), (WEBHOOK, "patch", "portcullis.dev", "aiworkloads", NAMESPACE, False),
                (WEBHOOK, "get", "", "serviceaccounts", NAMESPACE + "/default", True), (WEBHOOK, "list", "", "serviceaccounts", NAMESPACE, False)]:
            in_namespace, _, name = where.partition("/")
            review = {"spec": {"user": user, "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "namespace": in_namespace, "name": name}}}
            with self.subTest(f"{user} {verb} {resource} {where}"):
                answer = api.must("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
                self.assertEqual(answer["status"]["allowed"], allowed)

    def test_editors_of_a_namespace_can_edit_its_workloads_and_viewers_see_them(self):
        for role, verbs in (("edit", {"get", "create", "patch", "delete"}), ("view", {"get"})):
            def granted(name=role):
                rules = api.must("GET", f"{RBAC}/clusterroles/{name}")["rules"]
                return {verb for rule in rules if "aiworkloads" in rule.get("resources", []) for verb in rule["verbs"]}
            wait_until(f"{role} is aggregated", lambda want=verbs: want <= granted())
        self.assertNotIn("create", granted("view"))


class Uninstalled(Case):
    def test_nothing_stays_stuck_and_no_policy_is_lost(self):
        helm("uninstall", "portcullis", "--namespace", RELEASE_NAMESPACE)
        try:
            wait_until("pods come in again", lambda: api.call("POST", f"{CORE}/pods?dryRun=All", pod("x", "a:b"))[0] == 201)
            wait_until("the label is free", lambda: api.patch(f"/api/v1/namespaces/{NAMESPACE}?dryRun=All", {"metadata": {"labels": {LABEL: None}}}, user=TENANT)[0] == 200)
            for name in ("default", "audit"):
                self.assertDone(api.call("GET", f"{GROUP}/aisecurityprofiles/{name}"))
        finally:
            # Over the definitions and profiles that stayed.
            helm("install", "portcullis", str(CHART), "--namespace", RELEASE_NAMESPACE)
            wait_until("the policies and webhooks are in force", in_force)


if __name__ == "__main__":
    unittest.main()
