#!/usr/bin/env python3
"""OCI image layouts: written from files reproducibly, pushed to a registry and pulled back with their signatures.

  oci_layout.py build LAYOUT ROOT [--tag T] [--platform linux/amd64] [--config JSON]   a one-layer image of the folder ROOT
  oci_layout.py push LAYOUT HOST/REPOSITORY                            every manifest, under its tag or its digest
  oci_layout.py push-all FOLDER HOST/PREFIX                            each layout of the folder as PREFIX/its-name
  oci_layout.py pull LAYOUT HOST/REPOSITORY[@DIGEST]                   all tags (or one digest) and all that refers to them
Registries are spoken to over plain HTTP: this is for local ones. Prints the image's digest.
"""
import argparse
import gzip
import hashlib
import io
import json
import pathlib
import stat
import tarfile
import urllib.error
import urllib.parse
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"]
REF_NAME = "org.opencontainers.image.ref.name"


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """A folder in the OCI image layout. Manifests are listed in index.json, with their tag where they have one."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.index_file = self.folder / "index.json"
        self.blobs = self.folder / "blobs" / "sha256"

    def create(self):
        self.blobs.mkdir(parents=True, exist_ok=True)
        (self.folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}\n')
        if not self.index_file.exists():
            self.save([])
        return self

    def manifests(self):
        return json.loads(self.index_file.read_bytes())["manifests"]

    def save(self, manifests):
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        self.index_file.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")

    def put(self, data):
        digest = sha256(data)
        (self.blobs / digest[7:]).write_bytes(data)
        return digest

    def get(self, digest):
        return (self.blobs / digest[7:]).read_bytes()

    def add_manifest(self, data, media_type, tag=None, **more):
        entry = {"mediaType": media_type, "digest": self.put(data), "size": len(data), **more}
        if tag:
            entry["annotations"] = {REF_NAME: tag}
        kept = [m for m in self.manifests() if m["digest"] != entry["digest"] or (m.get("annotations") or {}).get(REF_NAME) != tag]
        self.save(kept + [entry])
        return entry


def layer_of(root):
    """The folder as a gzipped tar that is the same for the same content: sorted, owned by root, dated 1970."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(pathlib.Path(root).rglob("*")):
            info = tar.gettarinfo(path, arcname=path.relative_to(root).as_posix())
            info.uid = info.gid = info.mtime = 0
            info.uname = info.gname = ""
            if info.type == tarfile.LNKTYPE:
                info.type, info.size = tarfile.REGTYPE, path.stat().st_size
            mode = stat.S_IMODE(path.lstat().st_mode)
            info.mode = mode if mode & stat.S_ISVTX else 0o755 if mode & stat.S_IXUSR else 0o644
            if info.isreg():
                with path.open("rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0, compresslevel=9) as stream:
        stream.write(raw.getvalue())
    return raw.getvalue(), packed.getvalue()


def build_image(layout, root, tag=None, platform="linux/amd64", config=None):
    """Adds a one-layer image to the layout; returns its descriptor."""
    system, architecture = platform.split("/")
    raw, packed = layer_of(root)
    config_blob = compact({
        "architecture": architecture, "os": system, "created": "1970-01-01T00:00:00Z", "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(raw)]}})
    manifest = compact({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": layout.put(config_blob), "size": len(config_blob)},
        "layers": [{"mediaType": LAYER, "digest": layout.put(packed), "size": len(packed)}]})
    return layout.add_manifest(manifest, MANIFEST, tag, platform={"os": system, "architecture": architecture})


class Repository:
    """One repository of a registry, over plain HTTP."""

    def __init__(self, name):
        host, self.path = name.split("/", 1)
        self.base = f"http://{host}/v2/{self.path}"

    def call(self, method, url, data=None, headers=None):
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def expect(self, allowed, method, url, data=None, headers=None):
        status, answer_headers, body = self.call(method, url, data, headers)
        if status not in allowed:
            raise SystemExit(f"{method} {url}: {status} {body[:300].decode(errors='replace')}")
        return answer_headers, body

    def put_blob(self, digest, data):
        if self.call("HEAD", f"{self.base}/blobs/{digest}")[0] == 200:
            return
        headers, _ = self.expect([202], "POST", f"{self.base}/blobs/uploads/", b"")
        location = urllib.parse.urljoin(self.base + "/", headers["Location"])
        mark = "&" if "?" in location else "?"
        self.expect([201], "PUT", f"{location}{mark}digest={digest}", data, {"Content-Type": "application/octet-stream"})

    def put_manifest(self, reference, data, media_type):
        self.expect([201, 202], "PUT", f"{self.base}/manifests/{reference}", data, {"Content-Type": media_type})

    def manifest(self, reference):
        headers, body = self.expect([200], "GET", f"{self.base}/manifests/{reference}",
                                    headers={"Accept": ", ".join([MANIFEST, INDEX, *DOCKER])})
        return headers["Content-Type"], body

    def referrers(self, digest):
        """The descriptors, or None where the registry has no referrers API."""
        status, _, body = self.call("GET", f"{self.base}/referrers/{digest}")
        return json.loads(body).get("manifests") or [] if status == 200 else None


def push(layout, repository):
    """Children and blobs first. Where there is no referrers API, the fall-back tag lists what refers to an image."""
    listed = layout.manifests()
    referring = {}
    for entry in listed:
        content = json.loads(layout.get(entry["digest"]))
        for child in content.get("manifests", []):
            if (layout.blobs / child["digest"][7:]).exists() and child["digest"] not in {m["digest"] for m in listed}:
                repository.put_manifest(child["digest"], layout.get(child["digest"]), child["mediaType"])
        for blob in [content[k] for k in ["config"] if k in content] + content.get("layers", []):
            repository.put_blob(blob["digest"], layout.get(blob["digest"]))
        if "subject" in content:
            descriptor = {k: entry[k] for k in ["mediaType", "digest", "size"]}
            descriptor["artifactType"] = content.get("artifactType") or content["config"]["mediaType"]
            descriptor["annotations"] = content.get("annotations", {})
            referring.setdefault(content["subject"]["digest"], []).append(descriptor)
    for entry in sorted(listed, key=lambda m: m["mediaType"] == INDEX):
        tag = (entry.get("annotations") or {}).get(REF_NAME)
        repository.put_manifest(tag or entry["digest"], layout.get(entry["digest"]), entry["mediaType"])
    for subject, descriptors in referring.items():
        if repository.referrers(subject) is None:
            index = compact({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors})
            repository.put_manifest(subject.replace(":", "-"), index, INDEX)


def pull_manifest(layout, repository, reference, tag=None, seen=None):
    """The manifest, its blobs, its children and all that refers to it."""
    media_type, data = repository.manifest(reference)
    digest = sha256(data)
    content = json.loads(data)
    for blob in [content[k] for k in ["config"] if k in content] + content.get("layers", []):
        layout.put(repository.expect([200], "GET", f"{repository.base}/blobs/{blob['digest']}")[1])
    for child in content.get("manifests", []):
        pull_manifest(layout, repository, child["digest"], seen=seen)
    layout.add_manifest(data, media_type, tag)
    for descriptor in repository.referrers(digest) or []:
        if descriptor["digest"] not in seen:
            seen.add(descriptor["digest"])
            pull_manifest(layout, repository, descriptor["digest"], seen=seen)
    return digest


def pull(layout, repository, digest=None):
    seen = set()
    if digest:
        return pull_manifest(layout, repository, digest, seen=seen)
    _, body = repository.expect([200], "GET", f"{repository.base}/tags/list")
    tags = sorted(json.loads(body)["tags"], key=lambda t: (t.startswith("sha256-"), t))
    return [pull_manifest(layout, repository, tag, tag, seen) for tag in tags][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build", "push", "push-all", "pull"])
    parser.add_argument("layout")
    parser.add_argument("other", metavar="ROOT|HOST/REPOSITORY")
    parser.add_argument("--tag")
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--config", default="{}")
    arguments = parser.parse_args()
    layout = Layout(arguments.layout)
    if arguments.command == "build":
        entry = build_image(layout.create(), arguments.other, arguments.tag, arguments.platform, json.loads(arguments.config))
        print(entry["digest"])
        return
    if arguments.command == "push-all":
        for folder in sorted(pathlib.Path(arguments.layout).iterdir()):
            push(Layout(folder), Repository(f"{arguments.other}/{folder.name}"))
        return
    name, _, digest = arguments.other.partition("@")
    if arguments.command == "pull":
        print(pull(layout.create(), Repository(name), digest))
    else:
        push(layout, Repository(name))
        print(layout.manifests()[0]["digest"])


if __name__ == "__main__":
    main()
