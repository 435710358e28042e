# Signing with real cosign and a key, without a transparency log. Sourced after common.sh; `tools/setup sign` builds cosign.

FIXTURES=$ROOT/tests/fixtures
export COSIGN_PASSWORD=test # of the test keys, which protect nothing
export COSIGN_YES=true

# signing_config FILE: one without services, so that cosign needs nothing but the key.
signing_config() { cosign signing-config create --out "$1" >/dev/null; }

# sign_bundle IMAGE@DIGEST KEY CONFIG: a Sigstore bundle, stored as a referrer.
sign_bundle() { cosign sign --key "$FIXTURES/keys/$2.key" --signing-config "$3" --allow-http-registry "$1"; }

# attest_scan IMAGE@DIGEST KEY CONFIG PREDICATE-OPTION…: a scan report as an in-toto attestation in a bundle.
attest_scan() {
  local image=$1 key=$2 config=$3 predicate
  shift 3
  predicate=$(mktemp)
  python3 "$FIXTURES/predicate.py" --image "$image" "$@" >"$predicate"
  cosign attest --type vuln --predicate "$predicate" --key "$FIXTURES/keys/$key.key" --signing-config "$config" --allow-http-registry "$image"
  rm "$predicate"
}
