"""What the schemas must refuse: rows of (base object, change, rule, text of the refusal).

`rule` is the message that the rule has in the schema, or None where the shape itself refuses (type, enum, bound, pattern). The test
fails when a rule of the schemas has no row here. `text` is what the user reads.
"""

from support import DELETE

WORKLOAD = {
    "apiVersion": "portcullis.dev/v1alpha1", "kind": "AIWorkload", "metadata": {"name": "row", "namespace": "default"},
    "spec": {"selector": {"matchLabels": {"app": "row"}}, "dataClassification": "Internal"},
}
KEY = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
POLICY = {
    "apiVersion": "portcullis.dev/v1alpha1", "kind": "TrustPolicy", "metadata": {"name": "row"},
    "spec": {"images": {"include": ["registry.example.com/**"]},
             "authorities": [{"name": "ci", "vouchesFor": ["Signature"], "publicKey": {"pem": KEY}}]},
}
KEYLESS = {"identities": [{"issuer": "https://issuer.example.com", "subject": "builder"}]}
TIMED = {"requires": ["TransparencyLog"], "trustedRootRef": {"name": "root"}}
AUTHORITY = {"name": "ci", "vouchesFor": ["Signature"]}
TRUSTED_ROOT = {
    "apiVersion": "portcullis.dev/v1alpha1", "kind": "TrustedRoot", "metadata": {"name": "row"}, "spec": {"inline": "{}"},
}
PROFILE = {
    "apiVersion": "portcullis.dev/v1alpha1", "kind": "AISecurityProfile", "metadata": {"name": "row"},
    "spec": {"baseline": {"mode": "Enforce"}},
}
EXCEPTION = {
    "apiVersion": "portcullis.dev/v1alpha1", "kind": "AISecurityException", "metadata": {"name": "row"},
    "spec": {"target": {"namespace": "clinic", "workloadNames": ["triage"]}, "images": ["registry.example.com/app"],
             "waive": [{"check": "Scan"}], "reason": "until the next release", "expiryTime": "2027-02-01T00:00:00Z"},
}


def with_peer(peer, **port):
    return {"spec.network": {"egress": [{"to": [peer], "ports": [{"port": 443, **port}]}]}}


def with_evidence(**evidence):
    return {"spec.requirements.images.evidence": [evidence]}


def with_secret(**secret):
    return {"spec.secrets": [{"name": "row", **secret}]}


def with_model(**model):
    return {"spec.models": [{"name": "base", **model}]}


def with_subject(**subject):
    return {"spec.access.grants": [{"clusterRoleName": "viewer", "subjects": [subject]}]}


def with_authority(**authority):
    return {"spec.authorities": [{**AUTHORITY, **authority}]}


ONE_MODEL = "exactly one of image, uri and persistentVolumeClaim must be set"
ONE_SECRET = "exactly one of generate, copy and certificate must be set"
ONE_AUTHORITY = "exactly one of publicKey, keyless and digests must be set"
ONE_PEER = "a peer needs one of namespace, namespaceSelector, cidr and entity, and not more than one; or podSelector alone"
POD_PEER = "podSelector goes with namespace or namespaceSelector, or stands alone: addresses have no pods"
METADATA = "lies within the cloud metadata addresses, which no workload may reach"
EXCEPT = "except needs cidr, and each of its ranges must lie within cidr and be smaller"
PORT = "port must be a number from 1 to 65535, or the name of a port"
END_PORT = "endPort needs a number as port, and must not be below it"
SUBJECT = "a ServiceAccount needs namespace and no apiGroup; a User or Group needs apiGroup and no namespace"
POSITIVE = "must be longer than zero"
MAX_AGE = "maxAge is for evidence of type Scan or SBOM"
FAIL_ON = "failOn is for evidence of type Scan"
UNFIXED = "unfixed is for evidence of type Scan"
WORKLOAD_NAME = "metadata.name must have 63 characters at most: it is the value of a label"
PROFILE_NAME = "metadata.name must have 63 characters at most and no dot: it is the value of a label"
OVERLAP = "overlap needs rotateAfter and must be shorter"
PEM = "pem must be one public key in PEM, from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----"
PRIVATE = "this is a private key: never put it into the cluster; pem takes the public key"
PATTERN = "an image pattern is HOST/PATH in lower case without tag or digest"
PINNED = "an authority with digests reads no signatures: formats, requires, trustedRootRef, evidenceRepositories and provenance do not apply"
WAIVE_POD = "the check PodSecurity, and no other, needs controls or capabilities"
DIGEST = "sha256:" + "0" * 64
GROUP = "rbac.authorization.k8s.io"

WORKLOAD_ROWS = [
    ({"spec.selector.matchLabels": {}}, None, "should have at least 1 properties"),
    ({"spec.selector": DELETE}, None, "spec.selector: Required value"),
    ({"spec.dataClassification": DELETE}, None, "spec.dataClassification: Required value"),
    ({"spec.dataClassification": "Secret"}, None, 'supported values: "Public", "Internal", "Confidential", "Restricted"'),
    ({"spec.riskClass": "Unacceptable"}, None, 'supported values: "Minimal", "Limited", "High"'),
    ({"metadata.name": "a" * 64}, WORKLOAD_NAME, WORKLOAD_NAME),
    # Requirements. An empty list or object would read as "no constraint".
    ({"spec.requirements.mode": "Off"}, None, 'supported values: "Audit", "Enforce"'),
    ({"spec.requirements.images": {}}, None, "should have at least 1 properties"),
    ({"spec.requirements.images.evidence": []}, None, "should have at least 1 items"),
    ({"spec.requirements.podSecurity.runtimeClassNames": []}, None, "should have at least 1 items"),
    ({"spec.requirements.declare": []}, None, "should have at least 1 items"),
    ({"spec.requirements.podSecurity.readOnlyRootFilesystem": "Optional"}, None, 'supported values: "Required"'),
    (with_evidence(type="VEX"), None, 'supported values: "Signature", "Scan", "SBOM", "Provenance"'),
    (with_evidence(type="Signature", minAuthorities=0), None, "should be greater than or equal to 1"),
    ({"spec.requirements.images.evidence": [{"type": "Scan"}, {"type": "Scan"}]}, None, "Duplicate value"),
    (with_evidence(type="Scan", maxAge="1d"), None, "should match"),
    (with_evidence(type="Scan", maxAge="0h"), POSITIVE, POSITIVE),
    (with_evidence(type="Signature", maxAge="1h"), MAX_AGE, "maxAge is for evidence of type Scan or SBOM, not Signature"),
    (with_evidence(type="SBOM", failOn=[{"severity": "High", "after": "1h"}]), FAIL_ON, "failOn is for evidence of type Scan, not SBOM"),
    (with_evidence(type="SBOM", unfixed="Fail"), UNFIXED, "unfixed is for evidence of type Scan, not SBOM"),
    (with_evidence(type="Scan", failOn=[{"severity": "Negligible", "after": "1h"}]), None, "Unsupported value"),
    (with_evidence(type="Scan", failOn=[{"severity": "High"}]), None, "after: Required value"),
    # Models, secrets: a member that this version does not know is pruned, and then none is left.
    (with_model(), ONE_MODEL, "model base must have exactly one of image, uri and persistentVolumeClaim; it has none that is known"),
    (with_model(oms={"reference": "x"}), ONE_MODEL, "it has none that is known"),
    (with_model(uri="s3://b/m", image={"reference": "x"}), ONE_MODEL, "it has several"),
    (with_model(uri="not a uri"), None, "should match"),
    ({"spec.models": [{"name": f"m{i}", "uri": "s3://b/m"} for i in range(17)]}, None, "must have at most 16 items"),
    (with_secret(), ONE_SECRET, "secret row must have exactly one of generate, copy and certificate; it has none that is known"),
    (with_secret(generate={"keys": ["k"]}, certificate={"dnsNames": ["a.b.svc"]}), ONE_SECRET, "it has several"),
    (with_secret(generate={"keys": []}), None, "should have at least 1 items"),
    (with_secret(generate={"keys": ["k"], "length": 8}), None, "should be greater than or equal to 16"),
    (with_secret(generate={"keys": ["../k"]}), None, "should match"),
    (with_secret(generate={"keys": ["k"], "overlap": "1h"}), OVERLAP, OVERLAP),
    (with_secret(generate={"keys": ["k"], "rotateAfter": "1h", "overlap": "1h"}), OVERLAP, OVERLAP),
    (with_secret(certificate={"dnsNames": ["a.b.svc"], "duration": "1h"}), "renewBefore must be shorter than duration",
     "renewBefore 720h must be shorter than duration 1h"),
    (with_secret(copy={"sourceRef": {"namespace": "p", "name": "s"}}), None, "keys: Required value"),
    # Network.
    (with_peer({}), ONE_PEER, ONE_PEER),
    (with_peer({"hostname": "example.com"}), ONE_PEER, ONE_PEER),
    (with_peer({"namespace": "a", "cidr": "10.0.0.0/8"}), ONE_PEER, ONE_PEER),
    (with_peer({"entity": "Internet", "namespaceSelector": {"matchLabels": {"a": "b"}}}), ONE_PEER, ONE_PEER),
    (with_peer({"cidr": "10.0.0.0/8", "podSelector": {"matchLabels": {"a": "b"}}}), POD_PEER, POD_PEER),
    (with_peer({"entity": "World"}), None, 'supported values: "Internet"'),
    (with_peer({"cidr": "10.0.0.0"}), "must be an address range such as 10.20.0.0/16", "must be an address range such as 10.20.0.0/16, not 10.0.0.0"),
    (with_peer({"cidr": "10.0.0.1/8"}), "has bits set after its prefix", "10.0.0.1/8 has bits set after its prefix"),
    (with_peer({"cidr": "169.254.169.254/32"}), METADATA, "169.254.169.254/32 " + METADATA),
    (with_peer({"cidr": "169.254.0.0/16"}), METADATA, METADATA),
    (with_peer({"cidr": "100.100.100.200/32"}), METADATA, METADATA),
    (with_peer({"cidr": "192.0.0.192/32"}), METADATA, METADATA),
    (with_peer({"cidr": "fd20:ce::254/128"}), METADATA, METADATA),
    (with_peer({"cidr": "168.63.129.16/32"}), METADATA, METADATA),
    (with_peer({"cidr": "fd00:ec2::254/128"}), METADATA, METADATA),
    (with_peer({"cidr": "::ffff:169.254.169.254/128"}), "must be an address range such as 10.20.0.0/16", "must be an address range"),
    (with_peer({"namespace": "a", "except": ["10.0.0.0/8"]}), EXCEPT, EXCEPT),
    (with_peer({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}), EXCEPT, EXCEPT),
    (with_peer({"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}), EXCEPT, EXCEPT),
    (with_peer({"cidr": "10.0.0.0/8", "except": ["x/y"]}), EXCEPT, EXCEPT),
    (with_peer({"namespace": "a"}, port=0), PORT, PORT),
    (with_peer({"namespace": "a"}, port=65536), PORT, PORT),
    (with_peer({"namespace": "a"}, port="443"), PORT, PORT),
    (with_peer({"namespace": "a"}, port="https", endPort=500), END_PORT, END_PORT),
    (with_peer({"namespace": "a"}, port=443, endPort=442), END_PORT, END_PORT),
    (with_peer({"namespace": "a"}, port="sixteen-letters-"), None, "may not be more than 15"),
    ({"spec.network": {"egress": [{"to": [{"namespace": "a"}]}]}}, None, "ports: Required value"),
    ({"spec.network": {"egress": [{"to": [{"namespace": "a"}], "ports": []}]}}, None, "should have at least 1 items"),
    ({"spec.network": {"ingress": [{"from": [], "ports": [{"port": 1}]}]}}, None, "should have at least 1 items"),
    # Access.
    ({"spec.access.serviceAccount": {"name": "default"}}, "the ServiceAccount 'default' cannot be used; choose a name of your own",
     "the ServiceAccount 'default' cannot be used"),
    (with_subject(kind="Group", apiGroup=GROUP, name="system:masters"), "a name that begins with system: cannot be granted a role here",
     "subject system:masters: a name that begins with system: cannot be granted a role here"),
    (with_subject(kind="Group", name="clinicians"), SUBJECT, SUBJECT),
    (with_subject(kind="ServiceAccount", name="triage"), SUBJECT, SUBJECT),
    (with_subject(kind="Robot", name="triage"), None, 'supported values: "User", "Group", "ServiceAccount"'),
]

POLICY_ROWS = [
    ({"spec.images.include": []}, None, "should have at least 1 items"),
    ({"spec.images.include": ["registry.example.com/app:v1"]}, PATTERN, "got registry.example.com/app:v1"),
    ({"spec.images.include": ["registry.example.com/app@" + DIGEST]}, PATTERN, PATTERN),
    ({"spec.images.include": ["Registry.example.com/app"]}, PATTERN, PATTERN),
    ({"spec.images.include": ["registry.example.com"]}, PATTERN, PATTERN),
    ({"spec.images.include": ["reg*.example.com/app"]}, PATTERN, PATTERN),
    ({"spec.images.exclude": ["*"]}, PATTERN, PATTERN),
    ({"spec.authorities": []}, None, "should have at least 1 items"),
    ({"spec.revokedDigests": ["sha256:ABC"]}, None, "should be at least 71 chars long"),
    ({"spec.revokedDigests": ["sha512:" + "0" * 64]}, None, "should match"),
    (with_authority(), ONE_AUTHORITY, "authority ci must have exactly one of publicKey, keyless and digests; it has none that is known"),
    (with_authority(kms={"uri": "x"}), ONE_AUTHORITY, "it has none that is known"),
    (with_authority(digests=[DIGEST], publicKey={"pem": KEY}), ONE_AUTHORITY, "it has several"),
    (with_authority(publicKey={"pem": KEY}, vouchesFor=[]), None, "should have at least 1 items"),
    (with_authority(publicKey={"pem": KEY}, vouchesFor=["Trust"]), None, "Unsupported value"),
    (with_authority(publicKey={"pem": "MFkw"}), PEM, PEM),
    (with_authority(publicKey={"pem": KEY + KEY}), PEM, PEM),
    (with_authority(publicKey={"pem": "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"}), PRIVATE, PRIVATE),
    (with_authority(publicKey={"pem": KEY}, requires=["TransparencyLog"]), "requires needs trustedRootRef",
     "authority ci: requires needs trustedRootRef"),
    (with_authority(keyless=KEYLESS), "keyless needs requires and trustedRootRef", "authority ci: keyless needs trustedRootRef and requires"),
    (with_authority(keyless=KEYLESS, trustedRootRef={"name": "root"}), "keyless needs requires and trustedRootRef", "authority ci: keyless needs"),
    (with_authority(keyless={"identities": []}, **TIMED), None, "should have at least 1 items"),
    (with_authority(keyless={"identities": [{"subject": "s"}]}, **TIMED), "exactly one of issuer and issuerRegExp must be set",
     "exactly one of issuer and issuerRegExp must be set"),
    (with_authority(keyless={"identities": [{"issuer": "i", "subject": "s", "subjectRegExp": "s"}]}, **TIMED),
     "exactly one of subject and subjectRegExp must be set", "exactly one of subject and subjectRegExp must be set"),
    (with_authority(digests=[DIGEST], formats=["Bundle"]), PINNED, PINNED),
    (with_authority(digests=[DIGEST], **TIMED), PINNED, PINNED),
    (with_authority(publicKey={"pem": KEY}, provenance={"builderIDs": ["b"]}), "provenance needs Provenance in vouchesFor",
     "authority ci: provenance needs Provenance in vouchesFor"),
    (with_authority(publicKey={"pem": KEY}, evidenceRepositories=["registry.example.com/evidence:tag"]), None, "should match"),
]

ROOT_ROWS = [
    ({"spec.inline": DELETE}, "exactly one of configMapRef and inline must be set", "exactly one of configMapRef and inline must be set"),
    ({"spec.configMapRef": {"name": "a", "key": "b"}}, "exactly one of configMapRef and inline must be set", "exactly one of configMapRef"),
    ({"spec.inline": DELETE, "spec.configMapRef": {"name": "../a", "key": "b"}}, None, "should match"),
]

PROFILE_ROWS = [
    ({"metadata.name": "a.b"}, PROFILE_NAME, PROFILE_NAME),
    ({"metadata.name": "a" * 64}, PROFILE_NAME, PROFILE_NAME),
    ({"spec.unselectedPods": "Ignore"}, None, 'supported values: "Allow", "Report", "Deny"'),
    ({"spec.minimum": {}}, None, "should have at least 1 properties"),
    ({"spec.classifications": [{"level": "Internal"}]}, None, "requirements: Required value"),
    ({"spec.classifications": [{"level": "Internal", "requirements": {}}, {"level": "Internal", "requirements": {}}]}, None, "Duplicate value"),
    ({"spec.riskClasses": [{"level": "High", "requirements": {"images": {"evidence": [{"type": "Signature", "maxAge": "1h"}]}}}]},
     MAX_AGE, "maxAge is for evidence of type Scan or SBOM, not Signature"),
    ({"spec.baseline.models.evidence": [{"type": "SBOM", "unfixed": "Fail"}]}, UNFIXED, "unfixed is for evidence of type Scan, not SBOM"),
]

EXCEPTION_ROWS = [
    ({"spec.waive": [{"check": "Signature"}]}, None, 'supported values: "Scan", "SBOM", "Provenance", "PodSecurity"'),
    ({"spec.waive": []}, None, "should have at least 1 items"),
    ({"spec.waive": [{"check": "Scan"}, {"check": "Scan"}]}, None, "Duplicate value"),
    ({"spec.waive": [{"check": "SBOM", "vulnerabilities": ["CVE-2026-1234"]}]}, "vulnerabilities are for the check Scan",
     "vulnerabilities are for the check Scan, not SBOM"),
    ({"spec.waive": [{"check": "PodSecurity"}]}, WAIVE_POD, WAIVE_POD),
    ({"spec.waive": [{"check": "Scan", "controls": ["runAsNonRoot"]}]}, WAIVE_POD, "this one is Scan"),
    ({"spec.images": []}, None, "should have at least 1 items"),
    ({"spec.images": ["app:v1"]}, PATTERN, PATTERN),
    ({"spec.reason": DELETE}, None, "spec.reason: Required value"),
    ({"spec.expiryTime": DELETE}, None, "spec.expiryTime: Required value"),
    ({"spec.expiryTime": "tomorrow"}, None, "must be of type date-time"),
    ({"spec.target.workloadNames": DELETE}, None, "spec.target.workloadNames: Required value"),
]

ROWS = [(base, *row) for base, rows in [(WORKLOAD, WORKLOAD_ROWS), (POLICY, POLICY_ROWS), (TRUSTED_ROOT, ROOT_ROWS),
                                        (PROFILE, PROFILE_ROWS), (EXCEPTION, EXCEPTION_ROWS)] for row in rows]

# What lies just inside the bounds.
ACCEPTED = [
    (WORKLOAD, {}),
    (WORKLOAD, {"metadata.name": "a" * 63}),
    (WORKLOAD, with_peer({"podSelector": {"matchLabels": {"a": "b"}}})),
    (WORKLOAD, with_peer({"namespace": "a", "podSelector": {"matchLabels": {"a": "b"}}})),
    (WORKLOAD, with_peer({"entity": "Internet"})),
    # Contains metadata addresses, which are then excepted; refused are only ranges that hold nothing else.
    (WORKLOAD, with_peer({"cidr": "0.0.0.0/0"})),
    (WORKLOAD, with_peer({"cidr": "169.252.0.0/14"})),
    (WORKLOAD, with_peer({"cidr": "2001:db8::/32", "except": ["2001:db8:1::/48"]})),
    (WORKLOAD, with_peer({"namespace": "a"}, port="https")),
    (WORKLOAD, with_peer({"namespace": "a"}, port=1, endPort=65535)),
    (WORKLOAD, with_evidence(type="Scan", maxAge="1h30m", failOn=[{"severity": "Low", "after": "0s"}], unfixed="Fail")),
    (WORKLOAD, with_subject(kind="User", apiGroup=GROUP, name="ada@example.com")),
    (POLICY, {"spec.images.include": ["**", "*.example.com/**", "localhost:5000/a_b/c"]}),
    (POLICY, with_authority(keyless=KEYLESS, **TIMED)),
    (POLICY, with_authority(digests=[DIGEST])),
    (PROFILE, {"spec": {}}),
    (EXCEPTION, {"spec.waive": [{"check": "PodSecurity", "capabilities": ["IPC_LOCK"]}]}),
]
