"""What a pod's volumes hold, as the API server says it, written into folders. Used by tools/node."""
import base64
import os
import pathlib
import re
import time


class Unsupported(Exception):
    """The pod asks for something that this node does not know; the text names the field."""


def field(pod, path):
    """The value of a downward API fieldPath."""
    match = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if match:
        return pod["metadata"].get(match[1], {}).get(match[2], "")
    value = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise Unsupported(f"fieldRef {path}")
    return str(value)


def resource(container, name):
    """The value of a resourceFieldRef such as limits.memory, in whole bytes or cores."""
    kind, what = name.split(".", 1)
    text = container.get("resources", {}).get(kind, {}).get(what, "0")
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", text).groups()
    factor = {"": 1, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9}[unit]
    return str(max(1, round(float(number) * factor)))


def write(folder, name, data, mode=0o644):
    """Replaces the file in one step, so that a reader sees the old content or the new."""
    place = pathlib.Path(folder) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and place.read_bytes() == data:
        return
    fresh = place.with_name(f".{place.name}.new")
    fresh.write_bytes(data)
    fresh.chmod(mode)
    fresh.rename(place)


class Volumes:
    """The folders of one pod's volumes. refresh() brings changed ConfigMaps and new tokens into them, as a kubelet does."""

    def __init__(self, api, pod, folder, user):
        self.api, self.pod, self.folder, self.user = api, pod, pathlib.Path(folder), user
        self.token_due = {}
        for volume in pod["spec"].get("volumes", []):
            self.path(volume["name"]).mkdir(parents=True, exist_ok=True)
            if "emptyDir" in volume:
                os.chown(self.path(volume["name"]), user, user)
        self.refresh()

    def path(self, name):
        return self.folder / name

    def refresh(self):
        for volume in self.pod["spec"].get("volumes", []):
            kind = next(k for k in volume if k != "name")
            if kind == "emptyDir":
                continue
            sources = volume["projected"].get("sources", []) if kind == "projected" else [{kind: dict(volume[kind])}]
            for source in sources:
                self.fill(self.path(volume["name"]), source)

    def fill(self, folder, source):
        (kind, what), = source.items()
        if kind == "serviceAccountToken":
            self.token(folder, what)
        elif kind in ("configMap", "secret"):
            for name, data in self.data(kind, what).items():
                write(folder, name, data)
        elif kind == "downwardAPI":
            for item in what.get("items", []):
                write(folder, item["path"], field(self.pod, item["fieldRef"]["fieldPath"]).encode())
        else:
            raise Unsupported(f"volume source {kind}")

    def data(self, kind, what):
        namespace = self.pod["metadata"]["namespace"]
        name = what.get("name") or what.get("secretName")
        resource_name = {"configMap": "configmaps", "secret": "secrets"}[kind]
        found = self.api.get(f"/api/v1/namespaces/{namespace}/{resource_name}/{name}")
        if found is None:
            if what.get("optional"):
                return {}
            raise LookupError(f"{kind} {name} is not there yet")
        content = {k: v.encode() for k, v in found.get("data", {}).items()} if kind == "configMap" else \
            {k: base64.b64decode(v) for k, v in found.get("data", {}).items()}
        content |= {k: base64.b64decode(v) for k, v in found.get("binaryData", {}).items()}
        if "items" in what:
            return {item["path"]: content[item["key"]] for item in what["items"]}
        return content

    def token(self, folder, what):
        """A token bound to the pod, renewed at four fifths of its life."""
        key = (str(folder), what["path"])
        if time.monotonic() < self.token_due.get(key, 0):
            return
        meta = self.pod["metadata"]
        account = self.pod["spec"].get("serviceAccountName", "default")
        seconds = what.get("expirationSeconds", 3600)
        answer = self.api.post(f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [what["audience"]] if what.get("audience") else [], "expirationSeconds": seconds,
                     "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}}})
        write(folder, what["path"], answer["status"]["token"].encode(), 0o600)
        os.chown(pathlib.Path(folder) / what["path"], self.user, self.user)
        self.token_due[key] = time.monotonic() + 0.8 * seconds
