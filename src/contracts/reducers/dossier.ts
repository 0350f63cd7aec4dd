/** The artifacts of a mission as they were indexed, what is missing, and whether two sides agree about them. */
import { isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { isNamespace } from './payloads.ts'
import { artifactIdentity, contentHash, drift, namespace, provenance, snapshot } from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { objectOf, textOf } from './values.ts'

/** What tells one namespace from another; its step is context. */
const IDENTITY = [
  'project_uuid',
  'mission_slug',
  'target_branch',
  'mission_type',
  'manifest_version',
] as const

export const dossier: Family = {
  types: new Set([
    'MissionDossierArtifactIndexed',
    'MissionDossierArtifactMissing',
    'MissionDossierSnapshotComputed',
    'MissionDossierParityDriftDetected',
  ]),
  keysOf: (events) => events.map(({ payload }) => keyOf(payload['namespace'])),
  fold: foldDossier,
  reference: { countsForeign: false, anomaly: null, hasLastEvent: false, strictByDefault: false },
}

function foldDossier(events: readonly Input[], run: Run): JsonObject {
  const found = namespaceOf(events, run)
  const state = new Dossier(run)
  for (const event of events) {
    const payload = run.parse(event)
    if (payload !== null) state.take(event, payload)
  }
  return { namespace: found, ...state.state() }
}

/** The first one; its step only where no two are named. */
function namespaceOf(events: readonly Input[], run: Run): Json {
  const steps = new Set<string>()
  let first: JsonObject | null = null
  for (const event of events) {
    const value = event.payload['namespace']
    if (!isJsonObject(value)) continue
    // By our own rules a stream is valid, and of one namespace.
    if (run.reference && !isNamespace(value)) continue
    if (run.reference && first !== null && keyOf(first) !== keyOf(value)) {
      const detail = `the namespaces ${keyOf(first)} and ${keyOf(value)} are mixed`
      run.refuse(event, 'namespace_mixed', detail, 'NamespaceMixedStreamError')
    }
    first ??= value
    if (typeof value['step_id'] === 'string') steps.add(value['step_id'])
  }
  if (first === null) return null
  return namespace(steps.size > 1 ? { ...first, step_id: null } : first)
}

/** Unambiguous, whatever the fields hold. */
function keyOf(value: Json | undefined): string {
  return JSON.stringify(isJsonObject(value) ? IDENTITY.map((field) => textOf(value, field)) : [])
}

type Artifact = { readonly entry: JsonObject; readonly isSuperseded: boolean }

class Dossier {
  readonly #run: Run
  readonly #artifacts = new Map<string, Artifact>()
  readonly #drifts: Json[] = []
  #missing: JsonObject[] = []
  #snapshot: Json = null
  #parity: 'clean' | 'drifted' | 'unknown' = 'unknown'

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input, payload: JsonObject): void {
    switch (event.event_type) {
      case 'MissionDossierArtifactIndexed':
        return this.#index(payload)
      case 'MissionDossierArtifactMissing':
        return this.#miss(payload)
      case 'MissionDossierSnapshotComputed':
        this.#snapshot = snapshot(payload)
        // For the reference a drift is for ever.
        if (!this.#run.reference || this.#drifts.length === 0) this.#parity = 'clean'
        return
      default:
        this.#drifts.push(drift(payload))
        this.#parity = 'drifted'
    }
  }

  state(): JsonObject {
    return {
      artifacts: objectOf(this.#artifacts, ({ entry, isSuperseded }) => ({
        ...entry,
        superseded: isSuperseded,
      })),
      [this.#run.reference ? 'anomalies' : 'missing_artifacts']: this.#missing,
      latest_snapshot: this.#snapshot,
      drift_history: this.#drifts,
      parity_status: this.#parity,
    }
  }

  #index(payload: JsonObject): void {
    const superseded = pathOf(payload['supersedes'])
    const replaced = superseded === null ? undefined : this.#artifacts.get(superseded)
    if (superseded !== null && replaced !== undefined) {
      this.#artifacts.set(superseded, { ...replaced, isSuperseded: true })
    }
    const path = pathOf(payload['artifact_id']) ?? ''
    const entry = {
      identity: artifactIdentity(payload['artifact_id']),
      content_ref: contentHash(payload['content_ref']),
      indexed_at: payload['indexed_at'] ?? null,
      provenance: provenance(payload['provenance']),
      step_id: payload['step_id'] ?? null,
    }
    this.#artifacts.set(path, { entry, isSuperseded: false })
    if (this.#run.reference) return
    this.#missing = this.#missing.filter((one) => pathOf(one['expected_identity']) !== path)
  }

  #miss(payload: JsonObject): void {
    this.#missing.push({
      anomaly_type: 'missing_artifact',
      expected_identity: artifactIdentity(payload['expected_identity']),
      manifest_step: payload['manifest_step'] ?? null,
      checked_at: payload['checked_at'] ?? null,
      remediation_hint: payload['remediation_hint'] ?? null,
    })
  }
}

function pathOf(identity: Json | undefined): string | null {
  return isJsonObject(identity) ? textOf(identity, 'path') : null
}
