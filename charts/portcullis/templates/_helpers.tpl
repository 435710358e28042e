{{/* First part of all names. */}}
{{- define "portcullis.name" -}}
{{ .Values.fullnameOverride }}
{{- end }}

{{- define "portcullis.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: portcullis
{{- end }}

{{/* Labels that select the pods of one component. dict "root" $ "component" "webhook" */}}
{{- define "portcullis.selector" -}}
app.kubernetes.io/name: {{ include "portcullis.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "portcullis.image" -}}
{{- $image := .Values.image -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The operator's user name, as admission sees it. */}}
{{- define "portcullis.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "portcullis.name" . }}-operator
{{- end }}

{{/* Namespaces whose pods are judged. By immutable names, and a label that the namespace-label policy guards. */}}
{{- define "portcullis.protectedNamespaces" -}}
matchExpressions:
- {key: portcullis.dev/profile, operator: Exists}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ list "kube-system" "kube-node-lease" "kube-public" .Release.Namespace | uniq | toJson }}
{{- end }}

{{/* What both pods have in common. dict "root" $ "component" "webhook" "values" .Values.webhook */}}
{{- define "portcullis.pod" -}}
serviceAccountName: {{ include "portcullis.name" .root }}-{{ .component }}
automountServiceAccountToken: true
enableServiceLinks: false
terminationGracePeriodSeconds: 40
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .values.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- end }}

{{/* What both containers have in common; the same arguments. */}}
{{- define "portcullis.container" -}}
name: {{ .component }}
image: {{ include "portcullis.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: ["/portcullis-{{ .component }}"]
env:
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{ toJson .values.resources }}
startupProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}
