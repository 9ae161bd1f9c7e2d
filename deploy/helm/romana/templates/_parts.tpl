{{- define "romana.labels" -}}
app.kubernetes.io/name: romana
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* What every container of ours has in common: no privilege, nothing to write on but its volumes. */}}
{{- define "romana.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "romana.embedded" -}}
{{- if eq .Values.store.kind "embedded" }}true{{ end -}}
{{- end }}

{{/* Of the node, what an agent writes to. */}}
{{- define "romana.nodeFolders" -}}
- name: run
  hostPath: { path: /run/romana, type: DirectoryOrCreate }
- name: state
  hostPath: { path: /var/lib/romana, type: DirectoryOrCreate }
- name: cni-bin
  hostPath: { path: /opt/cni/bin, type: DirectoryOrCreate }
- name: cni-net
  hostPath: { path: /etc/cni/net.d, type: DirectoryOrCreate }
{{- end }}
