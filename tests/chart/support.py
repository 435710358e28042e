"""What the chart's tests share: the API server over HTTP, helm, and changes to objects by path.

The tests need a real control plane: tools/with-control-plane python3 -m unittest discover -s tests/chart
"""

import base64
import copy
import functools
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "portcullis"
CRDS = ROOT / "crds"
GROUP = "/apis/portcullis.dev/v1alpha1"
RELEASE_NAMESPACE = "portcullis-system"
OPERATOR = f"system:serviceaccount:{RELEASE_NAMESPACE}:portcullis-operator"
WEBHOOK = f"system:serviceaccount:{RELEASE_NAMESPACE}:portcullis-webhook"


class Api:
    """The API server, spoken to as an administrator or, by impersonation, as somebody else."""

    def __init__(self):
        path = os.environ.get("PORTCULLIS_TEST_KUBECONFIG")
        if not path:
            raise RuntimeError("PORTCULLIS_TEST_KUBECONFIG is not set: run these tests under tools/with-control-plane")
        config = yaml.safe_load(pathlib.Path(path).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        directory = pathlib.Path(path).parent
        self.ca_pem = _read(cluster, "certificate-authority", directory)
        context = ssl.create_default_context(cadata=self.ca_pem)
        with tempfile.TemporaryDirectory() as scratch:
            pair = pathlib.Path(scratch) / "client.pem"
            pair.touch(mode=0o600)
            pair.write_text(_read(user, "client-certificate", directory) + "\n" + _read(user, "client-key", directory))
            context.load_cert_chain(pair)
        self._connection = http.client.HTTPSConnection(urllib.parse.urlsplit(cluster["server"]).netloc, context=context, timeout=60)

    def close(self):
        self._connection.close()

    def call(self, method, path, body=None, *, user=None, groups=(), kind="application/json", accept="application/json"):
        """(HTTP status, decoded answer)."""
        headers = [("Content-Type", kind), ("Accept", accept)]
        if user:
            headers += [("Impersonate-User", user)] + [("Impersonate-Group", group) for group in groups]
        connection = self._connection
        connection.putrequest(method, path)
        payload = b"" if body is None else json.dumps(body).encode()
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(payload)))
        connection.endheaders(payload)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def must(self, method, path, body=None, **options):
        status, answer = self.call(method, path, body, **options)
        if status >= 300:
            raise AssertionError(f"{method} {path}: {status} {answer.get('message')}")
        return answer

    def patch(self, path, change, **options):
        return self.call("PATCH", path, change, kind="application/merge-patch+json", **options)

    def apply(self, document, path=None, *, manager="chart-tests", force=True, **options):
        """Server-side apply."""
        target = path or object_path(document)
        separator = "&" if "?" in target else "?"
        query = f"{separator}fieldManager={manager}&force={str(force).lower()}"
        return self.call("PATCH", target + query, document, kind="application/apply-patch+yaml", **options)


def _read(section, key, directory):
    if f"{key}-data" in section:
        return base64.b64decode(section[f"{key}-data"]).decode()
    return (directory / section[key]).read_text()


PLURALS = {"NetworkPolicy": "networkpolicies", "TrustPolicy": "trustpolicies",
           "ValidatingAdmissionPolicy": "validatingadmissionpolicies"}
CLUSTER_KINDS = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "MutatingWebhookConfiguration",
                 "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "TrustPolicy",
                 "TrustedRoot", "AISecurityProfile", "AISecurityException"}


def collection_path(document):
    version, kind = document["apiVersion"], document["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind, kind.lower() + "s")
    if kind in CLUSTER_KINDS:
        return f"{base}/{plural}"
    return f"{base}/namespaces/{document['metadata'].get('namespace', 'default')}/{plural}"


def object_path(document):
    return f"{collection_path(document)}/{document['metadata']['name']}"


def wait_until(what, condition, seconds=60):
    """Polls until condition() is true; fails with what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


def helm(*arguments, check=True):
    environment = dict(os.environ, KUBECONFIG=os.environ.get("PORTCULLIS_TEST_KUBECONFIG", ""))
    done = subprocess.run(["helm", *arguments], capture_output=True, text=True, env=environment, check=False)
    if check and done.returncode:
        raise AssertionError(f"helm {' '.join(arguments)}: {done.stderr}")
    return done


def parse_documents(text):
    # The parser in C where PyYAML has it: the definitions are long.
    return [document for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if document]


@functools.lru_cache(maxsize=None)
def _rendered(arguments):
    return parse_documents(helm("template", "portcullis", str(CHART), "--namespace", RELEASE_NAMESPACE, *arguments).stdout)


def render(*arguments):
    """The chart's documents, hooks included. The caller may change them."""
    return copy.deepcopy(_rendered(arguments))


def crds():
    return {path.stem: parse_documents(path.read_text())[0] for path in sorted(CRDS.glob("*.yaml"))}


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def install_crds(api):
    """Also over definitions that a release left behind; both are the same text."""
    for crd in crds().values():
        status, answer = api.apply(crd)
        if status >= 300:
            raise AssertionError(f"{crd['metadata']['name']}: {answer['message']}")
    for crd in crds().values():
        names = crd["spec"]["names"]
        resource = "/namespaces/default/aiworkloads" if crd["spec"]["scope"] == "Namespaced" else f"/{names['plural']}"
        wait_until(f"{names['plural']} is served", lambda path=resource: api.call("GET", GROUP + path)[0] == 200)


DELETE = object()


def changed(document, changes):
    """A copy with changes made: {"spec.models[0].uri": value, …}. DELETE removes a member; missing objects are made."""
    result = copy.deepcopy(document)
    for path, value in changes.items():
        steps = [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
        node = result
        for step in steps[:-1]:
            node = node.setdefault(step, {}) if isinstance(step, str) else node[step]
        if value is DELETE:
            del node[steps[-1]]
        elif isinstance(steps[-1], int) and steps[-1] == len(node):
            node.append(value)
        else:
            node[steps[-1]] = value
    return result
