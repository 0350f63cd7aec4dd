/**
 * Whether an event is as the contracts say: one judgement for what is emitted, what the hub takes and what a program asks.
 * Total: whatever comes in, the answer is a verdict.
 */
import type { z } from 'zod'
import { cutoverViolations } from './cutover.ts'
import { envelope as envelopeModel, isPlainlySound } from './envelope.ts'
import { EVENT_TYPES, isEventType, type EventTypeName } from './event-types.ts'
import { inspectValue } from './values/inspect-value.ts'
import { isJsonObject } from './json/json.ts'
import { normaliseEnvelope, normalisePayload, type Normalisation } from './normalise.ts'
import { PAYLOAD_MODELS, type PayloadOf } from './registry.ts'
import {
  violation,
  VIOLATIONS_MAX,
  violationsOf,
  type Path,
  type Violation,
} from './values/violation.ts'
import { transitionFaults } from './wire-transition.ts'

/** What an envelope is called where a type is asked for. */
export const ENVELOPE = 'Event'

export type Verdict = {
  readonly valid: boolean
  /** Null where neither the caller nor the event names one. */
  readonly event_type: string | null
  readonly kind: 'envelope' | 'payload' | 'neither'
  /** False where the contracts say nothing of the payload: the type is not theirs, or only its name is. */
  readonly payload_checked: boolean
  readonly violations: readonly Violation[]
  readonly normalisations: readonly Normalisation[]
}

/** The second layer: what the JSON Schema of that name has against a value. */
export type SchemaLayer = (schema: string, value: unknown, at: Path) => readonly Violation[]

type Value = Readonly<Record<string, unknown>>

/** @param type the type to judge by; without one, the value is an envelope that names its own */
export function judgeEvent(
  input: unknown,
  type?: string,
  { strict = false, schemas = null }: { strict?: boolean; schemas?: SchemaLayer | null } = {},
): Verdict {
  try {
    const judgement = new Judgement(strict, schemas)
    judgement.judge(input, type)
    return judgement.verdict()
  } catch {
    // A getter or a proxy threw; what it said may quote data.
    return unreadable(type ?? null)
  }
}

/** A payload as its model reads it, with what was absent filled in. A tag that older payloads lack is read as they mean it. */
export function parsePayload<Type extends EventTypeName>(
  type: Type,
  payload: unknown,
): { readonly ok: true; readonly payload: PayloadOf<Type> } | ParseFault {
  if (!isJsonObject(payload)) {
    return { ok: false, violations: [violation('payload', 'model_type', [], 'expected: object')] }
  }
  const { value } = normalisePayload(type, withOrigin(type, payload))
  const parsed = PAYLOAD_MODELS[type].safeParse(value)
  return parsed.success
    ? { ok: true, payload: parsed.data as PayloadOf<Type> }
    : { ok: false, violations: violationsOf(parsed.error.issues, value, 'payload', []) }
}

type ParseFault = { readonly ok: false; readonly violations: readonly Violation[] }

/** Before there were two origins, there was one. */
const ONCE_WITHOUT_ORIGIN: ReadonlySet<string> = new Set([
  'DecisionPointOpened',
  'DecisionPointDiscussing',
  'DecisionPointResolved',
])

function withOrigin(type: string, payload: Value): Value {
  if (!ONCE_WITHOUT_ORIGIN.has(type) || Object.hasOwn(payload, 'origin_surface')) return payload
  return { ...payload, origin_surface: 'adr' }
}

class Judgement {
  readonly #isStrict: boolean
  readonly #schemas: SchemaLayer | null
  readonly #violations: Violation[] = []
  readonly #normalisations: Normalisation[] = []
  #kind: Verdict['kind'] = 'neither'
  #eventType: string | null = null
  #isPayloadChecked = false

  constructor(isStrict: boolean, schemas: SchemaLayer | null) {
    this.#isStrict = isStrict
    this.#schemas = isStrict ? schemas : null
  }

  judge(input: unknown, type: string | undefined): void {
    this.#eventType = type ?? null
    this.#add(inspectValue(input))
    // The models would take another walk of that size, and more memory than the input.
    if (this.#violations.some(({ code }) => code === 'too_many_values')) return
    if (!isJsonObject(input)) {
      this.#add([violation('input', 'not_an_object', [], 'an event is a JSON object')])
    } else if (type === undefined || type === ENVELOPE) {
      this.#judgeEnvelope(input, type)
    } else if (!isContracted(type)) {
      this.#add([unknownType(type, [])])
    } else if (input['event_type'] === type && isJsonObject(input['payload'])) {
      this.#judgeEnvelope(input, type)
    } else {
      this.#kind = 'payload'
      this.#judgePayload(type, input, [])
    }
  }

  verdict(): Verdict {
    return {
      valid: this.#violations.length === 0,
      event_type: this.#eventType,
      kind: this.#kind,
      payload_checked: this.#isPayloadChecked,
      violations: this.#violations,
      normalisations: this.#normalisations,
    }
  }

  #judgeEnvelope(input: Value, type: string | undefined): void {
    this.#kind = 'envelope'
    const { value, changes } = normaliseEnvelope(input)
    this.#normalisations.push(...changes)
    this.#add(cutoverViolations(value))
    if (!isPlainlySound(value)) this.#ask(envelopeModel, value, 'envelope', [])
    this.#askSchema('event', value, [])
    const { event_type, payload = {} } = value
    if (typeof event_type !== 'string') return
    this.#eventType = event_type
    // What is no object is a fault of the envelope already.
    if (isContracted(event_type)) {
      if (isJsonObject(payload)) this.#judgePayload(event_type, payload, ['payload'])
    } else if (this.#isStrict && type !== ENVELOPE) {
      this.#add([unknownType(event_type, ['event_type'])])
    }
  }

  #judgePayload(type: EventTypeName, payload: Value, at: Path): void {
    this.#isPayloadChecked = true
    const { value, changes } = normalisePayload(type, payload)
    for (const change of changes) {
      this.#normalisations.push({ ...change, path: [...at, ...change.path] })
    }
    const parsed = this.#ask(PAYLOAD_MODELS[type], value, 'payload', at)
    if (parsed !== null && type === 'WPStatusChanged') {
      const faults = transitionFaults(parsed as PayloadOf<'WPStatusChanged'>)
      this.#add(
        faults.map(({ path, message }) =>
          violation('transition', 'transition_rule', [...at, ...path], message),
        ),
      )
    }
    this.#askSchema(EVENT_TYPES[type].schema, value, at)
  }

  /** The value as the model reads it, or null. */
  #ask(model: z.ZodType, value: Value, layer: 'envelope' | 'payload', at: Path): unknown {
    const parsed = model.safeParse(value)
    if (parsed.success) return parsed.data
    this.#add(violationsOf(parsed.error.issues, value, layer, at))
    return null
  }

  #askSchema(schema: string, value: Value, at: Path): void {
    if (this.#schemas !== null) this.#add(this.#schemas(schema, value, at))
  }

  #add(found: readonly Violation[]): void {
    this.#violations.push(...found.slice(0, VIOLATIONS_MAX - this.#violations.length))
  }
}

function isContracted(type: string): type is EventTypeName {
  return isEventType(type) && !EVENT_TYPES[type].reserved
}

function unknownType(type: string, path: Path): Violation {
  return isEventType(type)
    ? violation('input', 'reserved_event_type', path, 'only the name of this type is agreed on')
    : violation('input', 'unknown_event_type', path, 'no contract names this event type')
}

function unreadable(type: string | null): Verdict {
  const violations = [violation('input', 'unreadable', [], 'the value can not be read')]
  return {
    valid: false,
    event_type: type,
    kind: 'neither',
    payload_checked: false,
    violations,
    normalisations: [],
  }
}
