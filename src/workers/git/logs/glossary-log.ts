/** `.kittify/events/glossary/<mission>.events.jsonl` in the primary checkout: its name, its lines, and all logs for those who read. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { NumberedGlossaryRow } from '../../../contracts/ledgers/fold-glossary.ts'
import { parseGlossaryRow } from '../../../contracts/ledgers/glossary-record.ts'
import { instantOf, isLater } from '../../../contracts/values/instant.ts'
import type { Instant } from '../../../contracts/values/instant.ts'
import { InputError, ProjectError, systemCode } from '../../../errors.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { pathWithoutLinks } from '../../../project/files/safe-path.ts'
import type { DurableFs, OnStep } from '../disk/durable-fs.ts'
import { LOG_BYTES_MAX } from './log-file.ts'
import type { LogPlace } from './log-file.ts'
import { readLogLines } from './log-lines.ts'
import type { SkippedLine } from './log-lines.ts'
import type { Warnings } from '../warnings.ts'

const FOLDERS = ['.kittify', 'events', 'glossary'] as const
const SUFFIX = '.events.jsonl'
const LOGS_MAX = 10_000
// Other writers put a hyphen for every other character. A name of these alone is its own, so no two missions share a log.
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}$/

export type GlossaryLog = {
  /** The file's name. */
  readonly name: string
  readonly rows: readonly NumberedGlossaryRow[]
  readonly skipped: readonly SkippedLine[]
}

export type GlossaryLogs = {
  readonly logs: readonly GlossaryLog[]
  /** Those that are there and can't be read, by name. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[]
}

/** The name of a mission's log, by its directory name. @throws InputError GLOSSARY_MISSION_NAME */
export function glossaryLogName(mission: string): string {
  if (NAME.test(mission) && !mission.includes('..')) return `${mission}${SUFFIX}`
  throw new InputError('GLOSSARY_MISSION_NAME', 'the mission has a name that no log can have', {
    hint: 'A mission with a glossary has letters, digits, `_`, `.` and `-` in its directory name.',
  })
}

/** Absolute. @throws InputError GLOSSARY_MISSION_NAME */
export function glossaryLogPath(root: string, mission: string): string {
  return join(root, ...FOLDERS, glossaryLogName(mission))
}

/** For who writes: the log in its checkout. @throws InputError GLOSSARY_MISSION_NAME */
export function glossaryPlace(
  root: string,
  mission: string,
  hands: { readonly fs: DurableFs; readonly onStep: OnStep; readonly warnings: Warnings },
): LogPlace {
  const { fs, onStep, warnings } = hands
  const onTorn = (): void =>
    warnings.add(
      'LOG_TAIL_MOVED',
      `The unfinished end of the glossary log of ${mission} was moved into a side file.`,
    )
  return { worktree: root, path: glossaryLogPath(root, mission), mission, fs, onStep, onTorn }
}

/** Total: any bytes give an answer. */
export function parseGlossaryLines(bytes: Buffer, name: string): GlossaryLog {
  const read = readLogLines(bytes)
  const rows: NumberedGlossaryRow[] = []
  const skipped: SkippedLine[] = [...read.skipped]
  for (const { line, value } of read.lines) {
    const row = parseGlossaryRow(value)
    if (typeof row === 'string') skipped.push({ line, reason: row })
    else rows.push({ log: name, line, row })
  }
  return { name, rows, skipped: skipped.sort((a, b) => a.line - b.line) }
}

/** By their logs, whether those missions are here or not. */
export function missionsWithGlossary(root: string): readonly string[] {
  return logNames(root).map((name) => name.slice(0, -SUFFIX.length))
}

/** Takes no lock and writes nothing. Of one mission, or all that are there. Total. */
export function readGlossaryLogs(root: string, mission?: string): GlossaryLogs {
  const logs: GlossaryLog[] = []
  const unreadable: { name: string; reason: string }[] = []
  const names = mission === undefined ? logNames(root) : [glossaryLogName(mission)]
  for (const name of names) {
    const read = readOne(root, name)
    if (typeof read === 'string') unreadable.push({ name, reason: read })
    else if (read !== null) logs.push(parseGlossaryLines(read, name))
  }
  return { logs, unreadable }
}

/** The rows of all logs in the order of time, the order of each log kept. */
export function inTimeOrder(logs: readonly GlossaryLog[]): readonly NumberedGlossaryRow[] {
  const timed = logs.flatMap(({ rows }) => {
    let latest: Instant = { ms: -Infinity, ns: 0 }
    return rows.map((row) => {
      const at = instantOf(row.row.timestamp)
      // A clock that runs behind never puts a row before the one that it follows.
      if (isLater(at, latest)) latest = at
      return { row, at: latest }
    })
  })
  // A stable sort: equal times stay as their logs have them.
  return timed
    .sort((a, b) => (isLater(a.at, b.at) ? 1 : isLater(b.at, a.at) ? -1 : 0))
    .map(({ row }) => row)
}

function readOne(root: string, name: string): Buffer | string | null {
  try {
    const path = pathWithoutLinks(root, [...FOLDERS, name])
    const read = readBounded(path, LOG_BYTES_MAX, { followLink: false })
    if (read.state === 'absent') return null
    return read.state === 'read' ? read.bytes : read.reason
  } catch (error) {
    if (error instanceof ProjectError) return 'a symbolic link'
    throw error
  }
}

function logNames(root: string): readonly string[] {
  try {
    const names = readdirSync(join(root, ...FOLDERS)).filter((name) => name.endsWith(SUFFIX))
    return names.sort().slice(0, LOGS_MAX)
  } catch (error) {
    if (systemCode(error) === null) throw error
    return []
  }
}
