/** The projection of the reference implementation: one state for all events, its counting, its anomalies and its errors. */
import { InputError } from '../../errors.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { AnomalyCode } from './anomaly-codes.ts'
import { readPayload, resolveLane } from './payloads.ts'
import type { Stream } from './read-stream.ts'
import type {
  Family,
  Input,
  ReduceOptions,
  ReducerFamily,
  ReferenceError,
  ReferenceRules,
  Run,
} from './types.ts'
import { textOf } from './values.ts'

const UNKNOWN_PACKAGE = '<unknown>'

/** Anomalies of the stream itself are none here: to the reference, an id that was seen is no event. */
export function reduceAsReference(
  name: ReducerFamily,
  family: Family,
  { events }: Stream,
  options: ReduceOptions,
): JsonObject {
  const rules = family.reference
  if (rules === null) {
    throw new InputError('REFERENCE_UNKNOWN', `the reference has no reducer ${name}`, {
      hint: 'Reduce without the option reference.',
    })
  }
  const own = events.filter(({ event_type }) => family.types.has(event_type))
  const counted = rules.countsForeign ? events : own
  const run = new ReferenceRun(rules, options)
  const state = family.fold(own, run)
  return {
    ...(rules.anomaly === null ? {} : { anomalies: run.anomalies }),
    ...state,
    event_count: counted.length,
    ...(rules.hasLastEvent ? { last_processed_event_id: counted.at(-1)?.event_id ?? null } : {}),
  }
}

class ReferenceRun implements Run {
  readonly reference = true
  readonly roster: Readonly<Record<string, JsonObject>>
  readonly anomalies: Json[] = []
  readonly #isStrict: boolean
  readonly #shape: ReferenceRules['anomaly']

  constructor({ anomaly, strictByDefault }: ReferenceRules, { mode, roster }: ReduceOptions) {
    this.roster = roster ?? {}
    this.#isStrict = strictByDefault && mode !== 'permissive'
    this.#shape = anomaly
  }

  parse(event: Input): JsonObject | null {
    const parsed = readPayload(event.event_type, event.payload)
    if (parsed.ok) return parsed.payload
    this.report(event, 'malformed_payload', `payload validation failed: ${parsed.detail}`)
    return null
  }

  report(event: Input, code: AnomalyCode, detail: string): void {
    const { event_id, event_type, payload } = event
    if (this.#shape === 'kind') this.anomalies.push({ kind: code, event_id, message: detail })
    else if (this.#shape === 'reason') {
      this.anomalies.push({ event_id, event_type, reason: reasonOf(event, detail) })
    } else if (this.#shape === 'work_package') {
      this.anomalies.push({
        event_id,
        wp_id: textOf(payload, 'wp_id') || UNKNOWN_PACKAGE,
        from_lane: resolveLane(payload['from_lane']),
        to_lane: resolveLane(payload['to_lane']),
        reason: detail,
      })
    }
  }

  challenge(
    event: Input,
    code: AnomalyCode,
    detail: string,
    error: ReferenceError = 'SpecKittyEventsError',
  ): void {
    if (this.#isStrict) this.refuse(event, code, detail, error)
    this.report(event, code, detail)
  }

  refuse(event: Input, code: AnomalyCode, detail: string, error: ReferenceError): never {
    const { event_id, event_type } = event
    throw new InputError(code.toUpperCase(), `${event_type} ${event_id}: ${detail}`, {
      hint: 'The reference throws here; reduce without the option reference to be told instead.',
      details: { reference: error, event_id, event_type },
    })
  }
}

/** A move that is delegated by another reducer names its package. */
function reasonOf({ event_type, payload }: Input, detail: string): string {
  if (event_type !== 'WPStatusChanged') return detail
  return `WP ${textOf(payload, 'wp_id') || UNKNOWN_PACKAGE}: ${detail}`
}
