# A real control plane (etcd, kube-apiserver, kube-controller-manager) in one folder. Sourced by tools/control-plane and
# tools/with-control-plane after common.sh. Everything it writes lies in that folder: pki/, log/, pids, admin.kubeconfig.

# Set by tools/with-control-plane: the programs end with the shell that started them, even when that is killed.
CONTROL_PLANE_TIED=${CONTROL_PLANE_TIED:-}

# free_ports N: prints N free TCP ports, all taken at once so that they differ.
free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PY
}

# certificate NAME SUBJECT [SAN]: signed by ca.crt, in the current folder.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" -extfile "$1.ext" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

# kubeconfig DIR NAME SERVER: for the client certificate of that name, with everything inline.
kubeconfig() {
  cat >"$1/$2.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: portcullis
  cluster: {server: "$3", certificate-authority-data: $(base64 -w0 "$1/pki/ca.crt")}
users:
- name: $2
  user: {client-certificate-data: $(base64 -w0 "$1/pki/$2.crt"), client-key-data: $(base64 -w0 "$1/pki/$2.key")}
contexts:
- name: portcullis
  context: {cluster: portcullis, user: $2}
current-context: portcullis
YAML
  chmod 600 "$1/$2.kubeconfig"
}

# identities DIR ADDRESS SERVER
identities() (
  mkdir -p "$1/pki"
  cd "$1/pki" || return
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -keyout ca.key -out ca.crt -subj /CN=portcullis-ca \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
  certificate apiserver /CN=kube-apiserver \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,IP:$2"
  certificate front-proxy /CN=front-proxy
  certificate admin /O=system:masters/CN=admin
  certificate controller-manager /CN=system:kube-controller-manager
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out service-account.key 2>/dev/null
  openssl pkey -in service-account.key -pubout -out service-account.pub 2>/dev/null
  cd ..
  kubeconfig "$1" admin "$3"
  kubeconfig "$1" controller-manager "$3"
)

# launch DIR NAME COMMAND…: in the background; its output to log/NAME, its id to pids.
launch() {
  local dir=$1 name=$2 tie=()
  shift 2
  [ -z "$CONTROL_PLANE_TIED" ] || tie=(setpriv --pdeathsig KILL)
  "${tie[@]}" "$@" >"$dir/log/$name" 2>&1 </dev/null &
  echo "$! $name" >>"$dir/pids"
  disown $!
}

# wait_for DIR NAME SECONDS COMMAND…: until COMMAND succeeds; fails when the program NAME has ended.
wait_for() {
  local dir=$1 name=$2 seconds=$3 deadline pid
  shift 3
  deadline=$(($(now_ms) + seconds * 1000))
  pid=$(awk -v name="$name" '$2 == name {print $1}' "$dir/pids")
  until "$@" >/dev/null 2>&1; do
    if [ ! -d "/proc/$pid" ] || [ "$(now_ms)" -gt "$deadline" ]; then
      echo "$name did not get ready; the end of $dir/log/$name:" >&2
      tail -n 15 "$dir/log/$name" >&2
      return 1
    fi
    sleep .1
  done
}

api_ready() { [ "$(curl -s -m 5 --cacert "$1/pki/ca.crt" --cert "$1/pki/admin.crt" --key "$1/pki/admin.key" "$2/readyz")" = ok ]; }

# The default ServiceAccount is the controller manager's first work in a new namespace: when it is there, controllers run.
controllers_ready() { kubectl --kubeconfig "$1/admin.kubeconfig" get serviceaccount default -n default; }

start_etcd() { # DIR CLIENT-URL PEER-URL
  launch "$1" etcd etcd --data-dir "$1/etcd" --listen-client-urls "$2" --advertise-client-urls "$2" --listen-peer-urls "$3" \
    --initial-advertise-peer-urls "$3" --initial-cluster "default=$3" --unsafe-no-fsync --log-level warn
}

start_api_server() { # DIR ADDRESS PORT ETCD-URL
  local pki=$1/pki
  printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n' >"$1/audit-policy.yaml"
  launch "$1" kube-apiserver kube-apiserver --etcd-servers="$4" --bind-address="$2" --secure-port="$3" --client-ca-file="$pki/ca.crt" \
    --cert-dir="$pki" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/service-account.pub" \
    --service-account-signing-key-file="$pki/service-account.key" \
    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group \
    --requestheader-username-headers=X-Remote-User --proxy-client-cert-file="$pki/front-proxy.crt" \
    --proxy-client-key-file="$pki/front-proxy.key" --enable-aggregator-routing=true --endpoint-reconciler-type=none \
    --audit-policy-file="$1/audit-policy.yaml" --audit-log-path="$1/log/audit" \
    --enable-admission-plugins=OwnerReferencesPermissionEnforcement,NodeRestriction
}

start_controller_manager() { # DIR PORT
  launch "$1" kube-controller-manager kube-controller-manager --kubeconfig="$1/controller-manager.kubeconfig" \
    --root-ca-file="$1/pki/ca.crt" --service-account-private-key-file="$1/pki/service-account.key" \
    --use-service-account-credentials --controllers='*,-nodeipam' --leader-elect=false --secure-port="$2" --bind-address=127.0.0.1 \
    --cert-dir="$1/pki" --concurrent-gc-syncs=5
}

# control_plane_up DIR ADDRESS: starts it, and returns when it answers and its controllers work.
control_plane_up() {
  local dir=$1 address=$2 etcd peer api controllers begun
  begun=$(now_ms)
  mkdir -p "$dir/log"
  : >"$dir/pids"
  read -r etcd peer api controllers <<<"$(free_ports 4)"
  printf 'control plane: identities'
  identities "$dir" "$address" "https://$address:$api"
  printf ', etcd'
  start_etcd "$dir" "http://127.0.0.1:$etcd" "http://127.0.0.1:$peer"
  printf ', API server'
  start_api_server "$dir" "$address" "$api" "http://127.0.0.1:$etcd"
  wait_for "$dir" kube-apiserver 90 api_ready "$dir" "https://$address:$api" || return
  printf ', controllers'
  start_controller_manager "$dir" "$controllers"
  wait_for "$dir" kube-controller-manager 60 controllers_ready "$dir" || return
  echo " ... $(seconds_since "$begun") s"
}

# ours PID DIR: is it still one of the programs that were started with this folder in their arguments?
ours() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qF "$2/"; }

# control_plane_down DIR: ends what runs, last started first; leaves the logs.
control_plane_down() {
  local dir=$1 pid name i
  [ -f "$dir/pids" ] || return 0
  while read -r pid name; do
    ours "$pid" "$dir" || continue
    kill "$pid" 2>/dev/null
    for ((i = 0; i < 20; i++)); do ours "$pid" "$dir" && sleep .1 || break; done
    ours "$pid" "$dir" && kill -KILL "$pid" 2>/dev/null
  done < <(tac "$dir/pids")
  rm -f "$dir/pids"
}
