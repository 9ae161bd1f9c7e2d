#!/usr/bin/env bash
# Makes what `romana daemon` shows its callers, and the authority by which they know it, as the Secret that the manifests name:
#   deploy/certificates.sh NAME-OR-ADDRESS... | kubectl apply -f -
# The words are what callers reach the daemon by: the Service's address. Needs openssl 3. Run it again to renew.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 NAME-OR-ADDRESS..." >&2; exit 2; }
names=
for word in "$@"; do
  case $word in
    *[!0-9a-fA-F.:]* | *[g-zG-Z]*) names+=,DNS:$word ;;
    *) names+=,IP:$word ;;
  esac
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '[req]\ndistinguished_name = name\n[name]\n' >"$dir/openssl.cnf"
request() { # FILE SUBJECT DAYS EXTENSION...
  local file=$dir/$1 subject=$2 days=$3
  shift 3
  openssl req -x509 -config "$dir/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -subj "$subject" -days "$days" -keyout "$file.key" -out "$file.crt" "$@" 2>/dev/null
}
request ca /CN=romana 3650 -addext basicConstraints=critical,CA:true
request tls /CN=romana-daemon 365 -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -addext extendedKeyUsage=serverAuth \
  -addext "subjectAltName=${names#,}"
encoded() { base64 -w0 <"$dir/$1"; }
cat <<END
apiVersion: v1
kind: Secret
metadata:
  name: romana-daemon-tls
  namespace: ${NAMESPACE:-kube-system}
type: kubernetes.io/tls
data:
  ca.crt: $(encoded ca.crt)
  tls.crt: $(encoded tls.crt)
  tls.key: $(encoded tls.key)
END
