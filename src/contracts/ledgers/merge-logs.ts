/**
 * Append-only logs that went apart, as one: every event of either side once, in an order that depends on what is in them
 * and not on whose they are. Pure.
 *
 * Each side's own order is kept wherever the two agree, because it is the order in which things happened; between rows that
 * only one side has, the earlier goes first, then the smaller id. Where all is in the order of time, that is the order of time.
 */
import { instantOf, isLater } from '../values/instant.ts'
import type { Instant } from '../values/instant.ts'
import { isJsonObject } from '../json/json.ts'
import type { Dialect, Json, JsonObject } from '../json/json.ts'
import { reencodeJson } from '../json/lossless-json.ts'

/** A line of a side: its text without its end, and what it says; null where it can't be read. */
export type SideLine = { readonly text: string; readonly value: Json | null }

export type LogConflict = {
  readonly event_id: string
  /** Both versions, the one that stays in the log first. */
  readonly versions: readonly string[]
}

export type MergedLog = {
  /** With a line end each. */
  readonly text: string
  /** One id with two contents. */
  readonly conflicts: readonly LogConflict[]
  /** Lines that are no rows, each once: they are in no merged log. */
  readonly unread: readonly string[]
}

type Row = {
  readonly id: string
  readonly at: Instant
  readonly text: string
  readonly value: JsonObject
}
type Side = { readonly ids: readonly string[]; readonly rows: ReadonlyMap<string, Row> }

/** No id begins so. */
const NAMELESS = '\n'

/** A row that takes another back: other readers pass over its type, and the id that it names stays gone. */
export const REDACTION_TYPE = 'EventRedacted'

/** Rows without an id are told apart by their text. With `keep redacted` no row goes that can be read. */
export function mergeLogs(
  sides: readonly (readonly SideLine[])[],
  dialect: Dialect,
  redaction: 'apply' | 'keep redacted' = 'apply',
): MergedLog {
  const unread = new Set<string>()
  const conflicts = new Map<string, Set<string>>()
  const rows = new Map<string, Row>()
  const read = sides.map((lines) => readSide(lines, dialect, unread, conflicts))
  for (const side of read) {
    for (const row of side.rows.values()) keep(rows, row, conflicts)
  }
  const redacted = redaction === 'apply' ? redactedIds(rows) : new Set<string>()
  // Of three orders that disagree, which two are brought together first makes a difference.
  const orders = read.map(({ ids }) => ids).sort(byContent)
  const order = orders.reduce((one, other) => interleave(one, other, rows), [])
  const texts = order.filter((id) => !redacted.has(id)).map((id) => `${rows.get(id)?.text ?? ''}\n`)
  return {
    text: texts.join(''),
    conflicts: [...conflicts]
      .filter(([id]) => !redacted.has(id))
      .map(([event_id, versions]) => ({
        event_id,
        versions: [...versions].sort(
          (a, b) =>
            Number(b === rows.get(event_id)?.text) - Number(a === rows.get(event_id)?.text) ||
            (a < b ? -1 : 1),
        ),
      })),
    unread: [...unread],
  }
}

function readSide(
  lines: readonly SideLine[],
  dialect: Dialect,
  unread: Set<string>,
  conflicts: Map<string, Set<string>>,
): Side {
  const rows = new Map<string, Row>()
  for (const { text, value } of lines) {
    if (!isJsonObject(value)) {
      unread.add(text)
      continue
    }
    const own = reencodeJson(text, dialect)
    const named = value['event_id']
    const id = typeof named === 'string' && named !== '' ? named : `${NAMELESS}${own}`
    const time = value['at'] ?? value['timestamp']
    const at = instantOf(typeof time === 'string' ? time : '')
    keep(rows, { id, at, text: own, value }, conflicts)
  }
  return { ids: [...rows.keys()], rows }
}

/** Of two contents under one id: the redacted one; else a conflict, in which the smaller text stays. */
function keep(rows: Map<string, Row>, row: Row, conflicts: Map<string, Set<string>>): void {
  const known = rows.get(row.id)
  if (known === undefined) return void rows.set(row.id, row)
  if (known.text === row.text) return
  const isRedacted = (one: Row): boolean => one.value['redacted'] === true
  if (isRedacted(known) !== isRedacted(row)) {
    if (isRedacted(row)) rows.set(row.id, row)
    return
  }
  conflicts.set(row.id, new Set([...(conflicts.get(row.id) ?? []), known.text, row.text]))
  if (row.text < known.text) rows.set(row.id, row)
}

function redactedIds(rows: ReadonlyMap<string, Row>): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { value } of rows.values()) {
    if (value['event_type'] !== REDACTION_TYPE) continue
    const { redacts } = value
    if (typeof redacts === 'string') ids.add(redacts)
  }
  return ids
}

function byContent(one: readonly string[], other: readonly string[]): number {
  const [a, b] = [one.join('\n'), other.join('\n')]
  if (a === b) return 0
  return a < b ? -1 : 1
}

function interleave(
  one: readonly string[],
  other: readonly string[],
  rows: ReadonlyMap<string, Row>,
): readonly string[] {
  const merged: string[] = []
  const done = new Set<string>()
  const lists = [one, other] as const
  const left = [new Set(one), new Set(other)] as const
  const at = [0, 0]
  const head = (side: 0 | 1): string | null => {
    while (done.has(lists[side][at[side] ?? 0] ?? '')) at[side] = (at[side] ?? 0) + 1
    return lists[side][at[side] ?? 0] ?? null
  }
  for (;;) {
    const [a, b] = [head(0), head(1)]
    if (a === null && b === null) return merged
    const next = choose(a, b, left, rows)
    merged.push(next)
    done.add(next)
    left[0].delete(next)
    left[1].delete(next)
  }
}

/** A head that the other side has further down waits for what is before it there. */
function choose(
  a: string | null,
  b: string | null,
  left: readonly [ReadonlySet<string>, ReadonlySet<string>],
  rows: ReadonlyMap<string, Row>,
): string {
  if (a === null || b === null || a === b) return a ?? b ?? ''
  const isFree = [!left[1].has(a), !left[0].has(b)]
  if (isFree[0] !== isFree[1]) return isFree[0] ? a : b
  return isBefore(rows.get(a), rows.get(b)) ? a : b
}

function isBefore(a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined
  if (isLater(b.at, a.at)) return true
  return !isLater(a.at, b.at) && a.id < b.id
}
