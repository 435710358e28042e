# What the tools share: where things are, and how progress is shown. Sourced by bash; sets ROOT, CACHE, TOOLS.

ROOT=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
# shellcheck source=../versions
. "$ROOT/tools/versions"
CACHE=${XDG_CACHE_HOME:-${HOME:?}/.cache}/portcullis

# Built programs are keyed by everything that decides what they are, so two checkouts can share one cache.
tools_key() { (cd "$ROOT/tools" && cat versions go/*/go.mod go/*/go.sum go/*/*.go) | sha256sum | cut -c1-12; }
TOOLS=$CACHE/tools/$(tools_key)/bin
export PATH=$TOOLS:$PATH

die() { echo "${0##*/}: $*" >&2; exit 1; }

# seconds_since MILLISECONDS-OF-THE-START: prints a time like 4.2
now_ms() { date +%s%3N; }
seconds_since() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# run_step LABEL LOG COMMAND…: one line for one long step: what, then how long; the log's end when it fails. On a terminal the
# seconds run while the step does.
run_step() {
  local label=$1 log=$2 begun pid status=0
  shift 2
  begun=$(now_ms)
  printf '%s ... ' "$label"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while [ -t 1 ] && kill -0 "$pid" 2>/dev/null; do
    sleep 1
    printf '\r%s ... %d s ' "$label" $((($(now_ms) - begun) / 1000))
  done
  wait "$pid" || status=$?
  [ -t 1 ] && printf '\r%s ... ' "$label"
  if [ "$status" != 0 ]; then
    echo "failed after $(seconds_since "$begun") s; the end of $log:"
    tail -n 30 "$log"
    return "$status"
  fi
  echo "$(seconds_since "$begun") s"
}

# as_root COMMAND…
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else
    command -v sudo >/dev/null || die "this needs root: run it as root, or install sudo"
    sudo "$@"
  fi
}
