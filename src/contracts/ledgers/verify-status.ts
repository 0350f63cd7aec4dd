/** A status log held against its rules and its snapshot: what is odd in the rows, and how old the snapshot is. Pure. */
import { foldStatus } from './fold-status.ts'
import type { Anomaly, NumberedRow, StatusFold } from './fold-status.ts'
import { isEdge } from './lanes.ts'
import { renderSnapshot } from './status-snapshot.ts'
import type { SnapshotMeta } from './status-snapshot.ts'

/** `illegal_move`: unforced, and not in the table. */
export type StatusAnomaly = Omit<Anomaly, 'kind'> & {
  readonly kind: Anomaly['kind'] | 'illegal_move'
}

export type SnapshotState =
  | { readonly state: 'current' | 'absent' | 'unreadable' }
  /** `older`: equal to what an earlier part of the log says. `count`: only its number of events differs. */
  | { readonly state: 'stale'; readonly cause: 'older' | 'count' | 'content' }

export type StatusVerdict = {
  readonly anomalies: readonly StatusAnomaly[]
  readonly snapshot: SnapshotState
}

/** The longest log of which every earlier part is tried as the cause of an old snapshot. */
const PREFIXES_MAX = 2_000

export function verifyStatus(
  rows: readonly NumberedRow[],
  snapshot: string | null,
  meta: SnapshotMeta,
): StatusVerdict {
  const fold = foldStatus(rows)
  const anomalies = anomaliesOf(rows, fold)
  return { anomalies, snapshot: judgeSnapshot(rows, fold, snapshot, meta) }
}

/** What is odd in the rows, in their order. */
export function anomaliesOf(
  rows: readonly NumberedRow[],
  fold = foldStatus(rows),
): readonly StatusAnomaly[] {
  const illegal = rows.flatMap(({ line, row }): StatusAnomaly[] => {
    if (row.family !== 'transition' || row.row.force) return []
    const { from_lane, to_lane, wp_id } = row.row
    return isEdge(from_lane, to_lane) ? [] : [{ line, wp_id, kind: 'illegal_move' }]
  })
  return [...fold.anomalies, ...illegal].sort((a, b) => a.line - b.line)
}

function judgeSnapshot(
  rows: readonly NumberedRow[],
  fold: StatusFold,
  snapshot: string | null,
  meta: SnapshotMeta,
): SnapshotState {
  if (snapshot === null) return { state: 'absent' }
  if (snapshot === renderSnapshot(fold, meta)) return { state: 'current' }
  const read = parse(snapshot)
  if (read === null) return { state: 'unreadable' }
  const counted = { ...fold, eventCount: Number(read['event_count']) }
  if (snapshot === renderSnapshot(counted, meta)) return { state: 'stale', cause: 'count' }
  return { state: 'stale', cause: isOlder(rows, snapshot, meta) ? 'older' : 'content' }
}

function isOlder(rows: readonly NumberedRow[], snapshot: string, meta: SnapshotMeta): boolean {
  if (rows.length > PREFIXES_MAX) return false
  for (let length = rows.length - 1; length >= 0; length -= 1) {
    if (renderSnapshot(foldStatus(rows.slice(0, length)), meta) === snapshot) return true
  }
  return false
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null
  } catch {
    return null
  }
}
