/** Who takes part in a mission, who drives what, and what was said. */
import { isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { AnomalyCode } from './anomaly-codes.ts'
import { isFocusTarget, isParticipant } from './payloads.ts'
import { focusTarget, participant } from './shapes.ts'
import type { Family, Input, ReferenceError, Run } from './types.ts'
import { entry, objectOf, sortedTexts, textOf, textsOf, writtenTime } from './values.ts'

type Take = (room: Room, event: Input, payload: JsonObject) => void

const TAKE_BY_TYPE: ReadonlyMap<string, Take> = new Map<string, Take>([
  ['ParticipantInvited', (room, event, payload) => room.invite(event, payload)],
  ['ParticipantJoined', (room, event, payload) => room.join(event, payload)],
  ['ParticipantLeft', (room, event, payload) => room.leave(event, payload)],
  ['PresenceHeartbeat', (room, event, payload) => room.beat(event, payload)],
  ['DriveIntentSet', (room, event, payload) => room.drive(event, payload)],
  ['FocusChanged', (room, event, payload) => room.focus(event, payload)],
  ['PromptStepExecutionStarted', (room, event, payload) => room.begin(event, payload)],
  ['PromptStepExecutionCompleted', (room, event, payload) => room.complete(event, payload)],
  ['ConcurrentDriverWarning', (room, event, payload) => room.caution(event, payload)],
  ['PotentialStepCollisionDetected', (room, event, payload) => room.caution(event, payload)],
  ['WarningAcknowledged', (room, event, payload) => room.acknowledge(event, payload)],
  ['CommentPosted', (room, event, payload) => room.comment(event, payload)],
  ['DecisionCaptured', (room, event, payload) => room.decide(event, payload)],
  ['SessionLinked', (room, event, payload) => room.link(event, payload)],
])

export const collaboration: Family = {
  types: new Set(TAKE_BY_TYPE.keys()),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'mission_id') || null),
  fold: foldCollaboration,
  reference: {
    countsForeign: false,
    anomaly: 'reason',
    hasLastEvent: true,
    strictByDefault: true,
  },
}

function foldCollaboration(events: readonly Input[], run: Run): JsonObject {
  const room = new Room(run)
  for (const event of events) {
    // The reference reads fields of whatever is there.
    const payload = run.reference ? event.payload : run.parse(event)
    if (payload !== null) TAKE_BY_TYPE.get(event.event_type)?.(room, event, payload)
  }
  return { mission_id: textOf(events[0]?.payload ?? {}, 'mission_id'), ...room.state() }
}

type Warning = {
  readonly warning_id: string
  readonly event_id: string
  readonly warning_type: string
  readonly participant_ids: readonly string[]
  readonly acknowledgements: Map<string, string>
}

class Room {
  readonly #run: Run
  readonly #active = new Map<string, JsonObject>()
  readonly #departed = new Map<string, JsonObject>()
  readonly #invited = new Set<string>()
  readonly #presence = new Map<string, string>()
  readonly #drivers = new Set<string>()
  readonly #focus = new Map<string, Json>()
  readonly #focused = new Map<string, Set<string>>()
  readonly #warnings = new Map<string, Warning>()
  readonly #decisions: JsonObject[] = []
  readonly #comments: JsonObject[] = []
  readonly #executions = new Map<string, string[]>()
  readonly #sessions = new Map<string, Json[]>()

  constructor(run: Run) {
    this.#run = run
    for (const [id, identity] of Object.entries(run.roster)) this.#active.set(id, identity)
  }

  invite(event: Input, payload: JsonObject): void {
    const id = this.#newcomer(event, payload)
    if (id === null) return
    if (this.#invited.has(id)) this.#run.report(event, 'already_invited', `${id} is invited`)
    else this.#invited.add(id)
  }

  join(event: Input, payload: JsonObject): void {
    const id = this.#newcomer(event, payload)
    if (id === null) return
    this.#departed.delete(id)
    this.#invited.delete(id)
    this.#active.set(id, payload['participant_identity'] as JsonObject)
  }

  leave(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'participant_id')
    const identity = this.#active.get(id)
    if (identity === undefined) {
      this.#run.report(event, 'not_active', `${id || 'no one'} takes no part`)
      return
    }
    this.#active.delete(id)
    this.#departed.set(id, identity)
    this.#drivers.delete(id)
    this.#presence.delete(id)
    this.#executions.delete(id)
    this.#unfocus(id)
  }

  beat(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'participant_id')
    if (id === '') return
    const isGone = this.#departed.has(id)
    // The reference notes the presence even of who has left.
    if (!this.#isActive(event, id) && !(isGone && this.#run.reference)) return
    this.#presence.set(id, event.timestamp)
  }

  drive(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    if (payload['intent'] === 'active') this.#drivers.add(id)
    if (payload['intent'] === 'inactive') this.#drivers.delete(id)
  }

  focus(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    const target = payload['focus_target']
    if (!isFocusTarget(target)) {
      this.#run.report(event, 'malformed_payload', 'no focus target', { path: 'focus_target' })
      return
    }
    this.#unfocus(id)
    this.#focus.set(id, focusTarget(target))
    entry(this.#focused, focusKey(target), () => new Set()).add(id)
  }

  begin(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    const step = textOf(payload, 'step_id')
    if (id !== null && step !== '') entry(this.#executions, id, () => []).push(step)
  }

  complete(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    const step = textOf(payload, 'step_id')
    const running = this.#executions.get(id) ?? []
    const at = running.indexOf(step)
    if (at !== -1) running.splice(at, 1)
    else this.#challenge(event, 'unknown_step', `${id} hasn't begun the step ${step}`)
  }

  caution(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'warning_id')
    if (id === '' || !Array.isArray(payload['participant_ids'])) return
    const ids = textsOf(payload, 'participant_ids')
    for (const participantId of ids) this.#isActive(event, participantId)
    this.#warnings.set(id, {
      warning_id: id,
      event_id: event.event_id,
      warning_type: event.event_type,
      participant_ids: ids,
      acknowledgements: this.#warnings.get(id)?.acknowledgements ?? new Map<string, string>(),
    })
  }

  acknowledge(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    const warningId = textOf(payload, 'warning_id')
    if (id === null || warningId === '') return
    if (!this.#warnings.has(warningId)) {
      this.#challenge(event, 'unknown_warning', `no warning ${warningId} is known`)
    }
    const placeholder = (): Warning => ({
      warning_id: warningId,
      event_id: event.event_id,
      warning_type: 'UnknownWarning',
      participant_ids: [id],
      acknowledgements: new Map(),
    })
    const warning = entry(this.#warnings, warningId, placeholder)
    warning.acknowledgements.set(id, textOf(payload, 'acknowledgement'))
  }

  comment(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    this.#comments.push({
      comment_id: textOf(payload, 'comment_id'),
      event_id: event.event_id,
      participant_id: id,
      content: textOf(payload, 'content'),
      reply_to: payload['reply_to'] ?? null,
    })
  }

  decide(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    this.#decisions.push({
      decision_id: textOf(payload, 'decision_id'),
      event_id: event.event_id,
      participant_id: id,
      topic: textOf(payload, 'topic'),
      chosen_option: textOf(payload, 'chosen_option'),
      referenced_warning_id: payload['referenced_warning_id'] ?? null,
    })
  }

  link(event: Input, payload: JsonObject): void {
    const id = this.#actor(event, payload)
    if (id === null) return
    entry(this.#sessions, id, () => []).push(textOf(payload, 'linked_session_id'))
  }

  state(): JsonObject {
    return {
      participants: objectOf(this.#active, participant),
      departed_participants: objectOf(this.#departed, participant),
      presence: objectOf(this.#presence, writtenTime),
      active_drivers: sortedTexts(this.#drivers),
      focus_by_participant: objectOf(this.#focus, (target) => target),
      participants_by_focus: objectOf(this.#focused, sortedTexts),
      warnings: [...this.#warnings.values()].map((warning) => ({
        ...warning,
        acknowledgements: objectOf(warning.acknowledgements, (text) => text),
      })),
      decisions: this.#decisions,
      comments: this.#comments,
      active_executions: objectOf(this.#executions, (steps) => steps),
      linked_sessions: objectOf(this.#sessions, (sessions) => sessions),
    }
  }

  /** The id of who isn't here yet, or null. */
  #newcomer(event: Input, payload: JsonObject): string | null {
    const id = textOf(payload, 'participant_id')
    if (id === '' || !isParticipant(payload['participant_identity'])) {
      this.#run.report(event, 'malformed_payload', 'no participant, or no identity')
      return null
    }
    if (!this.#active.has(id)) return id
    this.#run.report(event, 'already_active', `${id} takes part already`)
    return null
  }

  /** The id of who acts, where that one takes part. */
  #actor(event: Input, payload: JsonObject): string | null {
    const id = textOf(payload, 'participant_id')
    return id !== '' && this.#isActive(event, id) ? id : null
  }

  #isActive(event: Input, id: string): boolean {
    if (this.#active.has(id)) return true
    if (this.#departed.has(id)) this.#challenge(event, 'participant_departed', `${id} has left`)
    else {
      const detail = `${id} was never here`
      this.#challenge(event, 'unknown_participant', detail, 'UnknownParticipantError')
    }
    return false
  }

  #challenge(event: Input, code: AnomalyCode, detail: string, error?: ReferenceError): void {
    this.#run.challenge(event, code, detail, error)
  }

  #unfocus(id: string): void {
    const target = this.#focus.get(id)
    if (!isJsonObject(target)) return
    this.#focus.delete(id)
    const key = focusKey(target)
    const others = this.#focused.get(key)
    others?.delete(id)
    if (others?.size === 0) this.#focused.delete(key)
  }
}

function focusKey(target: JsonObject): string {
  return `${textOf(target, 'target_type')}:${textOf(target, 'target_id')}`
}
