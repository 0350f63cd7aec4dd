/** `status.json`: what the log says, for readers that don't fold. Derived and deterministic; never an authority. */
import { byCodePoint, isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { LANES } from './lanes.ts'
import type { StatusFold, WorkPackage } from './fold-status.ts'
import type { StatusActor } from './status-record.ts'

/** Of the mission's `meta.json`. */
export type SnapshotMeta = {
  /** Empty until the mission is merged. */
  readonly mission_number: string
  readonly mission_type: string
}

/** The bytes of the file: two spaces, sorted keys, characters as they are, one line end. */
export function renderSnapshot(fold: StatusFold, meta: SnapshotMeta): string {
  const work_packages: Record<string, Json> = {}
  const summary: Record<string, number> = {}
  for (const lane of LANES) summary[lane] = 0
  for (const found of fold.packages.values()) {
    work_packages[found.wp_id] = render(found)
    const count = summary[found.lane]
    if (count !== undefined) summary[found.lane] = count + 1
  }
  const { last, eventCount } = fold
  const snapshot = {
    ...meta,
    mission_slug: last?.mission_slug ?? '',
    event_count: eventCount,
    last_event_id: last?.event_id ?? null,
    materialized_at: last?.at ?? '',
    summary,
    work_packages,
  }
  return `${pretty(snapshot)}\n`
}

function render({ lane, transitions, force_count, slots }: WorkPackage): JsonObject {
  const last = transitions.at(-1)
  return {
    ...slots,
    actor: actorWord(last?.actor ?? ''),
    force_count,
    lane,
    last_event_id: last?.event_id ?? null,
    last_transition_at: last?.at ?? null,
  }
}

function actorWord(actor: StatusActor): string {
  if (typeof actor === 'string') return actor
  return actor.tool ?? actor.role ?? ''
}

// The engine's own writer puts keys that are numbers before all others.
function pretty(value: Json, indent = ''): string {
  const inner = `${indent}  `
  const block = ([open, close]: readonly [string, string], items: readonly string[]): string =>
    items.length === 0
      ? `${open}${close}`
      : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`
  if (Array.isArray(value)) {
    return block(
      ['[', ']'],
      (value as readonly Json[]).map((item) => pretty(item, inner)),
    )
  }
  if (!isJsonObject(value)) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => byCodePoint(a, b))
  const fields = entries.map(([key, child]) => `${JSON.stringify(key)}: ${pretty(child, inner)}`)
  return block(['{', '}'], fields)
}
