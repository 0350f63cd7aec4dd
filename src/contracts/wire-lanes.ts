/**
 * The lanes as the event contracts know them: with `genesis`, and with the short lists that other programs sync by.
 * The alias `doing` is put right before a payload is judged, and that is reported; other spellings are no lanes.
 */
import { oneOf, shared } from './values/fields.ts'
import { GENESIS, LANES, type FromLane } from './ledgers/lanes.ts'

export const WIRE_LANES = [GENESIS, ...LANES] as const

export const lane = shared('Lane', oneOf(...WIRE_LANES))
shared('SyncLaneV1', oneOf('planned', 'doing', 'for_review', 'done'))
shared('SyncLaneV2', oneOf('planned', 'doing', 'for_review', 'approved', 'done'))

type SyncLane = 'planned' | 'doing' | 'for_review' | 'approved' | 'done'

const SYNC_LANES: Readonly<Record<FromLane, SyncLane>> = {
  genesis: 'planned',
  planned: 'planned',
  claimed: 'planned',
  in_progress: 'doing',
  for_review: 'for_review',
  in_review: 'for_review',
  approved: 'approved',
  done: 'done',
  blocked: 'doing',
  canceled: 'planned',
}

/** What a lane is called where only the short lists are known; the first of them has no `approved`. */
export function syncLaneOf(lane: FromLane, version: 1 | 2): SyncLane {
  const short = SYNC_LANES[lane]
  return version === 1 && short === 'approved' ? 'done' : short
}

const ALIASES: ReadonlyMap<string, FromLane> = new Map([['doing', 'in_progress']])

/** The lane of that name or alias; null where it is none. */
export function canonicalLane(name: string): FromLane | null {
  const known = WIRE_LANES.find((lane) => lane === name)
  return known ?? ALIASES.get(name) ?? null
}
