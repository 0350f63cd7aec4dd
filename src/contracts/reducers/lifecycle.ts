/** A mission from its creation to its end, with its phases and its work packages. */
import { byCodePoint } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { missionKeys } from './mission-keys.ts'
import { foldWorkPackages, STATUS_TYPE } from './status.ts'
import type { Family, Input, Run } from './types.ts'
import { textOf } from './values.ts'

const MISSION_TYPES = new Set([
  'MissionCreated',
  'MissionClosed',
  'MissionStarted',
  'MissionCompleted',
  'MissionCancelled',
  'PhaseEntered',
  'ReviewRollback',
  'MissionReopened',
  'FollowUpRecorded',
])
const TERMINAL: ReadonlySet<string | null> = new Set(['completed', 'cancelled'])

export const lifecycle: Family = {
  types: new Set([...MISSION_TYPES, STATUS_TYPE]),
  keysOf: missionKeys,
  fold: foldLifecycle,
  reference: {
    countsForeign: true,
    anomaly: 'reason',
    hasLastEvent: true,
    strictByDefault: false,
  },
}

function foldLifecycle(events: readonly Input[], run: Run): JsonObject {
  const mission = new Mission(run)
  const own = events.filter(({ event_type }) => MISSION_TYPES.has(event_type))
  for (const event of inGroups(own, run)) mission.take(event)
  const moves = events.filter(({ event_type }) => event_type === STATUS_TYPE)
  return { ...mission.state(), wp_states: foldWorkPackages(moves, run) }
}

/** Of one tick, a cancellation comes last; the reference orders the others by id. */
function inGroups(events: readonly Input[], run: Run): readonly Input[] {
  const isLast = ({ event_type }: Input): number => (event_type === 'MissionCancelled' ? 1 : 0)
  return events.toSorted(
    (a, b) =>
      a.lamport_clock - b.lamport_clock ||
      isLast(a) - isLast(b) ||
      (run.reference ? byCodePoint(a.event_id, b.event_id) : 0),
  )
}

class Mission {
  readonly #run: Run
  readonly #phases: string[] = []
  readonly #followUps: JsonObject[] = []
  #id: string | null = null
  #type: string | null = null
  #status: string | null = null
  #phase: string | null = null
  #created: JsonObject | null = null
  #isClosed = false
  /** What ended the mission, while it is ended. */
  #end: Input | null = null
  /** Whether it was ever at its end: what follows up may come after a reopening. */
  #hasEnded = false

  constructor(run: Run) {
    this.#run = run
  }

  take(event: Input): void {
    switch (event.event_type) {
      case 'MissionCreated':
        return this.#create(event)
      case 'MissionClosed':
        if (this.#run.parse(event) !== null) this.#isClosed = true
        return
      case 'MissionReopened':
        return this.#reopen(event)
      case 'FollowUpRecorded':
        return this.#followUp(event)
      default:
    }
    if (TERMINAL.has(this.#status) && !this.#cancelsAtOnce(event)) {
      this.#run.report(event, 'event_after_terminal', `the mission is ${this.#status}`)
    } else if (event.event_type === 'MissionStarted') this.#start(event)
    else if (this.#id === null) {
      this.#run.report(event, 'event_before_start', 'no MissionStarted stands before it')
    } else this.#advance(event)
  }

  state(): JsonObject {
    const shared = {
      mission_id: this.#id,
      mission_status: this.#status,
      mission_type: this.#type,
      current_phase: this.#phase,
      phases_entered: this.#phases,
    }
    if (this.#run.reference) return shared
    const created = this.#created ?? {}
    return {
      ...shared,
      mission_status: this.#status ?? (this.#created === null ? null : 'created'),
      mission_id: this.#id ?? created['mission_id'] ?? null,
      mission_type: this.#type ?? created['mission_type'] ?? null,
      mission_slug: created['mission_slug'] ?? null,
      mission_number: created['mission_number'] ?? null,
      closed: this.#isClosed,
      follow_ups: this.#followUps,
    }
  }

  #create(event: Input): void {
    const payload = this.#run.parse(event)
    if (payload === null || this.#run.reference) return
    if (this.#created === null) this.#created = payload
    else this.#run.report(event, 'duplicate_start', 'the mission is created already')
  }

  #start(event: Input): void {
    if (this.#id !== null) {
      this.#run.report(event, 'duplicate_start', 'the mission is started already; the first counts')
      return
    }
    const payload = this.#run.parse(event)
    if (payload === null) return
    this.#id = textOf(payload, 'mission_id')
    this.#type = textOf(payload, 'mission_type')
    this.#status = 'active'
    this.#enter(textOf(payload, 'initial_phase'))
  }

  #advance(event: Input): void {
    const payload = this.#run.parse(event)
    if (payload === null) return
    switch (event.event_type) {
      case 'PhaseEntered':
        return this.#enter(textOf(payload, 'phase_name'))
      case 'ReviewRollback':
        return this.#enter(textOf(payload, 'target_phase'))
      case 'MissionCompleted':
        return this.#finish(event, 'completed')
      default:
        return this.#finish(event, 'cancelled')
    }
  }

  #finish(event: Input, status: 'completed' | 'cancelled'): void {
    if (this.#end !== null && this.#status === 'completed') {
      const detail = `concurrent with ${event.event_id}, which cancels the mission and counts`
      this.#run.report(this.#end, 'concurrent_terminal', detail)
    }
    this.#status = status
    this.#end = event
    this.#hasEnded = true
  }

  /** A cancellation wins over a completion that didn't know of it. */
  #cancelsAtOnce(event: Input): boolean {
    return (
      !this.#run.reference &&
      event.event_type === 'MissionCancelled' &&
      this.#status === 'completed' &&
      this.#end?.lamport_clock === event.lamport_clock
    )
  }

  #reopen(event: Input): void {
    if (this.#run.parse(event) === null) return
    if (TERMINAL.has(this.#status)) {
      this.#status = 'reopened'
      this.#end = null
    } else this.#run.report(event, 'event_before_completion', 'the mission is not at its end')
  }

  #followUp(event: Input): void {
    const payload = this.#run.parse(event)
    if (payload === null) return
    const isLate = this.#run.reference ? TERMINAL.has(this.#status) : this.#hasEnded
    if (!isLate) {
      this.#run.report(event, 'event_before_completion', 'the mission was not at its end yet')
      return
    }
    this.#followUps.push({ event_id: event.event_id, ...followUpOf(payload) })
  }

  #enter(phase: string): void {
    this.#phase = phase
    this.#phases.push(phase)
  }
}

function followUpOf(payload: JsonObject): Readonly<Record<string, Json>> {
  return {
    follow_up_type: payload['follow_up_type'] ?? null,
    commit_sha: payload['commit_sha'] ?? null,
    pr_number: payload['pr_number'] ?? null,
  }
}
