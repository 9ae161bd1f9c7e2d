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
