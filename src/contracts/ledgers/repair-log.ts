/**
 * A log that a merge without the driver, a crash or an editor has damaged, as the log that it stands for: what can be
 * read stays, each id once, and nothing else changes. Pure.
 */
import { isJsonObject } from '../json/json.ts'
import type { Dialect } from '../json/json.ts'
import { mergeLogs } from './merge-logs.ts'
import type { SideLine } from './merge-logs.ts'

export type LogRepair = {
  /** With a line end each. */
  readonly text: string
  /** Lines of a merge's own. */
  readonly markers: number
  /** Rows that are there a second time. */
  readonly duplicates: number
  /** Lines that are no rows. */
  readonly unreadable: number
  /** Ids that stand for another content already: the one that counts stays. */
  readonly conflicts: readonly string[]
}

type Section = 'both' | 'ours' | 'base' | 'theirs'

const CONFLICT_MARKER = /^([<=>|])\1{6,}(?: |$)/

/** The character that a conflict marker of git's is made of, or null. */
export function conflictMarker(text: string): string | null {
  return CONFLICT_MARKER.exec(text)?.[1] ?? null
}

export function repairLog(lines: readonly SideLine[], dialect: Dialect): LogRepair {
  const markers = lines.filter(isMarker).length
  if (markers === 0) return keepOnce(lines)
  const { text, conflicts, unread } = mergeLogs(sidesOf(lines), dialect, 'keep redacted')
  const rows = lines.filter(({ value }) => isJsonObject(value)).length
  const kept = text.split('\n').length - 1
  return {
    text,
    markers,
    duplicates: rows - kept,
    unreadable: unread.length,
    conflicts: conflicts.map(({ event_id }) => event_id),
  }
}

/** The ids of the rows that can be read. */
export function idsOf(lines: readonly Pick<SideLine, 'value'>[]): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { value } of lines) {
    const id = isJsonObject(value) ? value['event_id'] : null
    if (typeof id === 'string') ids.add(id)
  }
  return ids
}

/** The first row of an id counts, as for those who read the log. */
function keepOnce(lines: readonly SideLine[]): LogRepair {
  const textById = new Map<string, string>()
  const conflicts = new Set<string>()
  const kept: string[] = []
  let duplicates = 0
  let unreadable = 0
  for (const { text, value } of lines) {
    if (!isJsonObject(value)) {
      unreadable += 1
      continue
    }
    const id = value['event_id']
    const known = typeof id === 'string' ? textById.get(id) : undefined
    if (typeof id !== 'string' || known === undefined) {
      if (typeof id === 'string') textById.set(id, text)
      kept.push(`${text}\n`)
    } else if (known === text) duplicates += 1
    else conflicts.add(id)
  }
  return { text: kept.join(''), markers: 0, duplicates, unreadable, conflicts: [...conflicts] }
}

function isMarker({ text, value }: SideLine): boolean {
  return value === null && conflictMarker(text) !== null
}

/** What git wrote into one file, as the files it was given. A marker that is out of place parts nothing. */
function sidesOf(lines: readonly SideLine[]): readonly (readonly SideLine[])[] {
  const base: SideLine[] = []
  const ours: SideLine[] = []
  const theirs: SideLine[] = []
  let section: Section = 'both'
  for (const line of lines) {
    if (isMarker(line)) {
      section = sectionAfter(section, conflictMarker(line.text))
      continue
    }
    if (section === 'base') base.push(line)
    if (section === 'both' || section === 'ours') ours.push(line)
    if (section === 'both' || section === 'theirs') theirs.push(line)
  }
  return [base, ours, theirs]
}

function sectionAfter(section: Section, marker: string | null): Section {
  if (marker === '<') return 'ours'
  if (marker === '>') return 'both'
  if (section === 'both') return section
  return marker === '|' ? 'base' : 'theirs'
}
