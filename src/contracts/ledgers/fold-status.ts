/**
 * A status log as the work packages it tells of. Pure, and linear in the log.
 *
 * Rows count in the order of the file, which is the order in which they were appended: so a clock that runs behind makes
 * no later row a no-op. A row that is older than one before it continues the chain where its `from_lane` is the
 * present lane; where it isn't, it was written down late (a migration does that), and counts at its time.
 */
import { compareJson } from '../json/compare-json.ts'
import { GENESIS, type FromLane } from './lanes.ts'
import { isJsonObject, type JsonObject } from '../json/json.ts'
import { isText } from '../values/scalars.ts'
import { instantOf, type Instant, isLater } from '../values/instant.ts'
import type { Annotation, StatusRow, Transition } from './status-record.ts'
import { annotate, claimSlots, type Slots } from './status-slots.ts'

export type WorkPackage = {
  readonly wp_id: string
  /** As it was given with the package; null where it was not. Free text of its users. */
  readonly title: string | null
  readonly lane: FromLane | 'uninitialized'
  /** In the order in which they count. */
  readonly transitions: readonly Transition[]
  readonly force_count: number
  readonly slots: Slots
}

/** What the rows say that can't be true, or that needs a look. */
export type Anomaly = {
  /** Counted from 1. */
  readonly line: number
  readonly wp_id: string
  readonly kind:
    /** A move from a lane in which the package is not. */
    | 'chain_break'
    /** A row that is older than one before it, and doesn't continue it. */
    | 'late_row'
    /** An event id that stands for another content already; the first one counts. */
    | 'id_conflict'
}

export type NumberedRow = { readonly line: number; readonly row: StatusRow }

export type StatusFold = {
  /** By id, in code point order. */
  readonly packages: ReadonlyMap<string, WorkPackage>
  /** Unique transitions. */
  readonly eventCount: number
  /** The one that counts last. */
  readonly last: Transition | null
  readonly anomalies: readonly Anomaly[]
  /** The latest time of any transition or annotation, or null. */
  readonly latestAt: string | null
}

type Placed = { readonly row: Transition; readonly at: Instant }

class PackageFold {
  readonly placed: Placed[] = []
  readonly annotations: Annotation[] = []

  get lane(): FromLane | null {
    return this.placed.at(-1)?.row.to_lane ?? null
  }

  /** False where the row counts at its time among earlier ones. */
  take(row: Transition): boolean {
    const at = instantOf(row.at)
    const last = this.placed.at(-1)
    const isNext =
      last === undefined || !isBefore({ row, at }, last) || row.from_lane === last.row.to_lane
    if (isNext) {
      this.placed.push({ row, at })
      return true
    }
    let position = this.placed.length
    for (
      let before: Placed | undefined = last;
      before !== undefined && isBefore({ row, at }, before);
    ) {
      position -= 1
      before = this.placed[position - 1]
    }
    this.placed.splice(position, 0, { row, at })
    return false
  }
}

export function foldStatus(rows: readonly NumberedRow[]): StatusFold {
  const packages = new Map<string, PackageFold>()
  const seen = new Map<string, StatusRow>()
  const titles = new Map<string, string>()
  const anomalies: Anomaly[] = []
  let eventCount = 0
  let last: Transition | null = null
  let latest: { at: string; instant: Instant } | null = null
  const packageOf = (wpId: string): PackageFold => {
    const known = packages.get(wpId)
    if (known !== undefined) return known
    const made = new PackageFold()
    packages.set(wpId, made)
    return made
  }
  for (const { line, row } of rows) {
    if (row.family === 'foreign') {
      const { wpId = '', title = '' } = introductionOf(row.row)
      if (title !== wpId && !titles.has(wpId)) titles.set(wpId, title)
      continue
    }
    const { wp_id: wpId, at } = row.row
    const same = seen.get(row.event_id)
    if (same !== undefined) {
      if (!isSame(same, row)) anomalies.push({ line, wp_id: wpId, kind: 'id_conflict' })
      continue
    }
    seen.set(row.event_id, row)
    const instant = instantOf(at)
    if (latest === null || isLater(instant, latest.instant)) latest = { at, instant }
    const found = packageOf(wpId)
    if (row.family === 'annotation') {
      found.annotations.push(row.row)
      continue
    }
    eventCount += 1
    const from = found.lane ?? GENESIS
    if (!found.take(row.row)) {
      anomalies.push({ line, wp_id: wpId, kind: 'late_row' })
      continue
    }
    if (from !== row.row.from_lane) anomalies.push({ line, wp_id: wpId, kind: 'chain_break' })
    last = row.row
  }
  const folded = [...packages].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    packages: new Map(
      folded.map(([wpId, found]) => [wpId, summarise(wpId, titles.get(wpId) ?? null, found)]),
    ),
    eventCount,
    last,
    anomalies,
    latestAt: latest?.at ?? null,
  }
}

/** What the row that introduces a package calls it; nothing where it is another row. */
function introductionOf(row: JsonObject): { readonly wpId?: string; readonly title?: string } {
  const { event_type, payload = null } = row
  if (event_type !== 'WPCreated' || !isJsonObject(payload)) return {}
  const { wp_id: wpId, wp_title: title } = payload
  return isText(wpId) && isText(title) ? { wpId, title } : {}
}

function summarise(
  wp_id: string,
  title: string | null,
  { placed, annotations }: PackageFold,
): WorkPackage {
  const slots: Slots = {}
  const transitions = placed.map(({ row }) => row)
  let force_count = 0
  for (const row of transitions) {
    if (row.force) force_count += 1
    if (row.from_lane === 'planned' && row.to_lane === 'claimed') claimSlots(slots, row)
    const result = row.review_result ?? null
    if (result !== null || row.from_lane === 'in_review') slots['review_result'] = result
  }
  for (const row of annotations) annotate(slots, row)
  return {
    wp_id,
    title,
    lane: transitions.at(-1)?.to_lane ?? 'uninitialized',
    transitions,
    force_count,
    slots,
  }
}

function isBefore(a: Placed, b: Placed): boolean {
  if (isLater(b.at, a.at)) return true
  return !isLater(a.at, b.at) && a.row.event_id < b.row.event_id
}

function isSame(a: StatusRow, b: StatusRow): boolean {
  return compareJson(a.row, b.row) === 0
}
