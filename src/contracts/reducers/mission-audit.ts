/** One audit of a mission, from its request to its verdict or its failure. */
import type { Json, JsonObject } from '../json/json.ts'
import { auditArtifact, pendingAuditDecision } from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { textOf } from './values.ts'

const REQUESTED = 'MissionAuditRequested'
const IDS = ['mission_id', 'run_id', 'mission_slug', 'mission_number', 'mission_type'] as const
const TERMINAL: ReadonlySet<string> = new Set(['completed', 'failed'])

export const missionAudit: Family = {
  types: new Set([
    REQUESTED,
    'MissionAuditStarted',
    'MissionAuditDecisionRequested',
    'MissionAuditCompleted',
    'MissionAuditFailed',
  ]),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'run_id') || null),
  fold: (events, run) => {
    const audit = new Audit(run)
    for (const event of events) audit.take(event)
    return audit.state()
  },
  reference: { countsForeign: true, anomaly: 'kind', hasLastEvent: false, strictByDefault: false },
}

class Audit {
  readonly #run: Run
  readonly #fields: Record<string, Json> = {
    audit_status: 'pending',
    verdict: null,
    severity: null,
    findings_count: null,
    artifact_ref: null,
    partial_artifact_ref: null,
    summary: null,
    error_code: null,
    error_message: null,
    mission_id: null,
    run_id: null,
    mission_slug: null,
    mission_number: null,
    mission_type: null,
    trigger_mode: null,
    enforcement_mode: null,
    audit_scope: null,
    audit_scope_hash: null,
  }
  #pending = new Map<string, Json>()
  #isRequested = false

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input): void {
    const status = this.#fields['audit_status'] as string
    if (TERMINAL.has(status)) {
      this.#run.report(event, 'event_after_terminal', `the audit is ${status}`)
      return
    }
    if (!this.#isRequested && event.event_type !== REQUESTED) {
      this.#run.report(event, 'event_before_requested', `no ${REQUESTED} stands before it`)
    }
    const payload = this.#run.parse(event)
    if (payload === null) {
      // The reference throws here.
      this.#run.refuse(event, 'malformed_payload', 'the payload is not valid', 'ValidationError')
    } else this.#apply(event, payload)
  }

  state(): JsonObject {
    return { ...this.#fields, pending_decisions: [...this.#pending.values()] }
  }

  #apply(event: Input, payload: JsonObject): void {
    switch (event.event_type) {
      case REQUESTED:
        return this.#request(event, payload)
      case 'MissionAuditStarted':
        for (const key of IDS) if (this.#fields[key] === null) this.#set(payload, key)
        this.#set(payload, 'audit_scope_hash')
        this.#fields['audit_status'] = 'running'
        return
      case 'MissionAuditDecisionRequested':
        return this.#ask(event, payload)
      case 'MissionAuditCompleted':
        this.#set(payload, 'verdict', 'severity', 'findings_count', 'summary')
        this.#fields['artifact_ref'] = auditArtifact(payload['artifact_ref'])
        return this.#end('completed')
      default:
        this.#set(payload, 'error_code', 'error_message')
        this.#fields['partial_artifact_ref'] = auditArtifact(payload['partial_artifact_ref'])
        this.#end('failed')
    }
  }

  #request(event: Input, payload: JsonObject): void {
    if (this.#isRequested && !this.#run.reference) {
      this.#run.report(event, 'duplicate_start', 'the audit is requested already; the first counts')
      return
    }
    this.#isRequested = true
    this.#set(payload, ...IDS, 'trigger_mode', 'enforcement_mode', 'audit_scope')
  }

  #ask(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'decision_id')
    if (this.#pending.has(id)) {
      this.#run.report(event, 'duplicate_decision_id', `${id} waits for its answer already`)
    } else this.#pending.set(id, pendingAuditDecision(payload))
    this.#fields['audit_status'] = 'awaiting_decision'
  }

  #end(status: 'completed' | 'failed'): void {
    this.#fields['audit_status'] = status
    this.#pending = new Map()
  }

  #set(payload: JsonObject, ...keys: readonly string[]): void {
    for (const key of keys) this.#fields[key] = payload[key] ?? null
  }
}
