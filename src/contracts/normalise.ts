/** What is put right before an event is judged, and is told: an alias of a lane, an id in another spelling. */
import { ID_FIELDS } from './envelope.ts'
import { normaliseId } from './values/event-id.ts'
import { canonicalLane } from './wire-lanes.ts'
import type { Path } from './values/violation.ts'

export type Normalisation = {
  readonly code: 'lane_alias' | 'id_spelling'
  readonly path: Path
  readonly from: string
  readonly to: string
}

type Value = Readonly<Record<string, unknown>>
type Normalised = { readonly value: Value; readonly changes: readonly Normalisation[] }

const LANE_FIELDS = ['from_lane', 'to_lane']

/** The envelope's own ids in the spelling that counts. What is no id stays. */
export function normaliseEnvelope(envelope: Value): Normalised {
  return replaced(envelope, 'id_spelling', ID_FIELDS, normaliseId)
}

/** `doing` is `in_progress`. Nothing else of a payload is put right. */
export function normalisePayload(eventType: string, payload: Value): Normalised {
  const fields = eventType === 'WPStatusChanged' ? LANE_FIELDS : []
  return replaced(payload, 'lane_alias', fields, canonicalLane)
}

function replaced(
  value: Value,
  code: Normalisation['code'],
  fields: readonly string[],
  canonical: (text: string) => string | null,
): Normalised {
  const changes: Normalisation[] = []
  for (const field of fields) {
    const from = Object.hasOwn(value, field) ? value[field] : null
    const to = typeof from === 'string' ? canonical(from) : null
    if (typeof from === 'string' && to !== null && to !== from) {
      changes.push({ code, path: [field], from, to })
    }
  }
  if (changes.length === 0) return { value, changes }
  const fixed = changes.map(({ path, to }) => [String(path[0]), to] as const)
  return { value: { ...value, ...Object.fromEntries(fixed) }, changes }
}
