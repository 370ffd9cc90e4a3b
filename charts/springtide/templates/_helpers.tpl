{{/* The name of everything in this release. */}}
{{- define "springtide.fullname" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 48 | trimSuffix "-" }}
{{- end }}

{{/* What a Deployment selects. Argument: dict "root" $ "component" "operator". */}}
{{- define "springtide.selector" -}}
app.kubernetes.io/name: springtide
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "springtide.labels" -}}
{{ include "springtide.selector" . }}
app.kubernetes.io/part-of: springtide
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "springtide.operatorImage" -}}
{{ .Values.operator.image | default (printf "springtide/operator:%s" .Chart.AppVersion) }}
{{- end }}

{{- define "springtide.workloadsImage" -}}
{{ .Values.workloads.image | default (printf "springtide/workloads:%s" .Chart.AppVersion) }}
{{- end }}

{{- define "springtide.priorityClassName" -}}
{{ .Values.operator.priorityClass.name | default (ternary (include "springtide.fullname" .) "" .Values.operator.priorityClass.create) }}
{{- end }}

{{/* The Pod Security Standard "restricted", and no root file system to write to. */}}
{{- define "springtide.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "springtide.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* MLflow as workloads reach it. */}}
{{- define "springtide.trackingUri" -}}
{{- if .Values.mlflow.enabled -}}
http://{{ include "springtide.fullname" . }}-mlflow.{{ .Release.Namespace }}.svc:5000
{{- else -}}
{{ required "mlflow.trackingUri must name your MLflow server when mlflow.enabled is false" .Values.mlflow.trackingUri }}
{{- end }}
{{- end }}

{{/* "true" if MLflow keeps something on its own volume. */}}
{{- define "springtide.mlflowHasVolume" -}}
{{- if or (not .Values.mlflow.backendStoreUriSecret.name) (not .Values.mlflow.artifactsDestination) }}true{{ end }}
{{- end }}

{{/* The operator's settings: springtide.api.platform.Platform. */}}
{{- define "springtide.platform" -}}
workloadsImage: {{ include "springtide.workloadsImage" . }}
imagePullPolicy: {{ .Values.workloads.imagePullPolicy }}
artifactsUri: {{ .Values.artifacts.uri }}
{{- if hasPrefix "file://" .Values.artifacts.uri }}
artifactsVolume:
  {{- with .Values.artifacts.volume }}
  claimName: {{ .claimName }}
  mountPath: {{ .mountPath }}
  size: {{ .size | quote }}
  accessMode: {{ .accessMode }}
  {{- with .storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  {{- end }}
{{- else }}
artifactsVolume: null
{{- end }}
trackingUri: {{ include "springtide.trackingUri" . }}
{{- with .Values.workloads.env }}
env:
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- with .Values.workloads.envFromSecrets }}
envFromSecrets: {{ toJson . }}
{{- end }}
resources: {{ toJson .Values.workloads.resources }}
scratchSize: {{ .Values.workloads.scratchSize | quote }}
{{- with .Values.workloads.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
jobTtlSeconds: {{ int64 .Values.workloads.jobTtlSeconds }}
startGraceSeconds: {{ int64 .Values.workloads.startGraceSeconds }}
namespaces: {{ toJson .Values.namespaces }}
workers: {{ int64 .Values.operator.workers }}
resyncSeconds: {{ int64 .Values.operator.resyncSeconds }}
leaseNamespace: {{ .Release.Namespace }}
{{- end }}
