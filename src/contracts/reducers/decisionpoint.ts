/** One decision point: opened, widened to others, discussed, resolved, overridden; and who had the authority for it. */
import type { Json, JsonObject } from '../json/json.ts'
import { closureMessage, listOf, participant, summary, time, widening } from './shapes.ts'
import type { Family, Input, Run } from './types.ts'
import { textOf } from './values.ts'

type State = 'open' | 'widened' | 'discussing' | 'resolved' | 'overridden'

const STATE_BY_TYPE: ReadonlyMap<string, State> = new Map<string, State>([
  ['DecisionPointOpened', 'open'],
  ['DecisionPointWidened', 'widened'],
  ['DecisionPointDiscussing', 'discussing'],
  ['DecisionPointResolved', 'resolved'],
  ['DecisionPointOverridden', 'overridden'],
])

const MOVES: Readonly<Record<State | 'none', readonly State[]>> = {
  none: ['open'],
  open: ['widened', 'discussing', 'resolved'],
  widened: ['widened', 'discussing', 'resolved'],
  discussing: ['discussing', 'resolved'],
  resolved: ['overridden'],
  overridden: [],
}

const INTERVIEW = 'planning_interview'
const IDS = ['decision_point_id', 'mission_id', 'run_id', 'mission_slug', 'mission_type'] as const
const LLM_PHASE = 'P0'
const LLM_ROLES: ReadonlySet<string> = new Set(['advisory', 'informed'])

export const decisionPoint: Family = {
  types: new Set(STATE_BY_TYPE.keys()),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'decision_point_id') || null),
  fold: (events, run) => {
    const point = new DecisionPoint(run)
    for (const event of events) point.take(event)
    return point.state()
  },
  reference: { countsForeign: true, anomaly: 'kind', hasLastEvent: false, strictByDefault: false },
}

class DecisionPoint {
  readonly #run: Run
  readonly #fields: Record<string, Json> = {
    decision_point_id: null,
    mission_id: null,
    run_id: null,
    mission_slug: null,
    mission_type: null,
    phase: null,
    last_actor_id: null,
    last_actor_type: null,
    last_authority_role: null,
    last_rationale: null,
    last_alternatives_considered: null,
    last_evidence_refs: null,
    last_state_entered_at: null,
    origin_surface: null,
    origin_flow: null,
    question: null,
    options: null,
    input_key: null,
    step_id: null,
    widening: null,
    terminal_outcome: null,
    final_answer: null,
    other_answer: false,
    summary: null,
    actual_participants: [],
    resolved_by: null,
    closed_locally_while_widened: false,
    closure_message: null,
  }
  #state: State | null = null
  #origin: string | null = null

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input): void {
    const next = STATE_BY_TYPE.get(event.event_type)
    if (next === undefined) return
    if (this.#state === 'overridden') {
      this.#run.report(event, 'event_after_terminal', 'the decision is overridden')
      return
    }
    if (next === 'widened' && this.#state === 'widened') return
    if (!MOVES[this.#state ?? 'none'].includes(next)) {
      const detail = `${this.#state ?? 'none'} to ${next} is not allowed`
      this.#run.report(event, 'invalid_transition', detail)
      return
    }
    const payload = this.#run.parse(event)
    if (payload === null) return
    const surface = surfaceOf(next, payload)
    const isNew = this.#noteOrigin(event, surface)
    if ((next === 'overridden' || surface !== INTERVIEW) && !this.#isPermitted(event, payload)) {
      // An event that doesn't count says nothing of the origin; to the reference it does.
      if (isNew && !this.#run.reference) this.#origin = null
      return
    }
    this.#state = next
    this.#project(event, next, surface, payload)
  }

  state(): JsonObject {
    const at = time(this.#fields['last_state_entered_at'])
    return { ...this.#fields, last_state_entered_at: at, state: this.#state }
  }

  /** Whether it is the first that is named. */
  #noteOrigin(event: Input, surface: string | null): boolean {
    if (surface === null) return false
    if (this.#origin === null) {
      this.#origin = surface
      return true
    }
    if (this.#origin !== surface) {
      const detail = `of ${surface}, but the decision began as ${this.#origin}`
      this.#run.report(event, 'origin_mismatch', detail, { path: 'origin_surface' })
    }
    return false
  }

  #isPermitted(event: Input, payload: JsonObject): boolean {
    const actor = textOf(payload, 'actor_type')
    const role = textOf(payload, 'authority_role')
    const flag = payload['mission_owner_authority_flag'] === true
    const next = STATE_BY_TYPE.get(event.event_type)
    const needsOwner = next === 'resolved' || next === 'overridden'
    if (needsOwner && !(actor === 'human' && role === 'mission_owner' && flag)) {
      const detail = `needs a human mission owner with authority, not ${actor} as ${role}`
      this.#run.report(event, 'authority_policy_violation', detail)
      return false
    }
    if (actor !== 'llm') return true
    const isModest = LLM_ROLES.has(role) && !flag
    if (isModest && payload['phase'] === LLM_PHASE) return true
    const detail = `an llm advises or is informed, in phase ${LLM_PHASE}, without authority`
    this.#run.report(event, 'llm_policy_violation', detail)
    return false
  }

  #project(event: Input, next: State, surface: string | null, payload: JsonObject): void {
    this.#set(payload, ...IDS)
    if (next === 'widened') this.#fields['widening'] = widening(payload)
    else this.#fields['last_state_entered_at'] = payload['state_entered_at'] ?? null
    if (next === 'open') this.#fields['origin_surface'] = surface
    if (next === 'overridden' || surface !== INTERVIEW) this.#projectAdr(payload)
    else if (next === 'resolved') this.#projectOutcome(event, payload)
    else if (next !== 'widened') this.#projectActor(payload)
    if (next === 'open' && surface === INTERVIEW) {
      this.#set(payload, 'phase', 'origin_flow', 'question', 'options', 'input_key', 'step_id')
    }
  }

  #projectActor(payload: JsonObject): void {
    this.#fields['last_actor_id'] = payload['actor_id'] ?? null
    this.#fields['last_actor_type'] = payload['actor_type'] ?? null
  }

  #projectAdr(payload: JsonObject): void {
    this.#set(payload, 'phase')
    this.#projectActor(payload)
    this.#fields['last_authority_role'] = payload['authority_role'] ?? null
    this.#fields['last_rationale'] = payload['rationale'] ?? null
    this.#fields['last_alternatives_considered'] = payload['alternatives_considered'] ?? null
    this.#fields['last_evidence_refs'] = payload['evidence_refs'] ?? null
  }

  #projectOutcome(event: Input, payload: JsonObject): void {
    const wasWidened = this.#fields['widening'] !== null
    const isLocal = payload['closed_locally_while_widened'] === true
    this.#set(payload, 'terminal_outcome', 'final_answer', 'resolved_by')
    this.#fields['last_rationale'] = payload['rationale'] ?? null
    this.#fields['other_answer'] = payload['other_answer'] ?? false
    this.#fields['summary'] = summary(payload['summary'])
    this.#fields['actual_participants'] = listOf(participant)(payload['actual_participants'])
    this.#fields['closure_message'] = closureMessage(payload['closure_message'])
    this.#fields['closed_locally_while_widened'] = isLocal && wasWidened
    if (wasWidened && this.#fields['summary'] === null) {
      this.#run.report(event, 'missing_summary', 'a widened decision ends with a summary')
    }
    if (isLocal && !wasWidened) {
      const path = 'closed_locally_while_widened'
      this.#run.report(event, 'invalid_transition', 'it was never widened', { path })
    }
  }

  #set(payload: JsonObject, ...keys: readonly string[]): void {
    for (const key of keys) this.#fields[key] = payload[key] ?? null
  }
}

/** What doesn't say where it came from is an ADR, but for an override, which then says nothing of it. */
function surfaceOf(next: State, payload: JsonObject): string | null {
  const surface = textOf(payload, 'origin_surface')
  if (surface !== '') return surface
  return next === 'overridden' ? null : 'adr'
}
