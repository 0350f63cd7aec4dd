/** The rows that a commit added to the logs of missions, without what must not leave the machine. Reads objects only. */
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import { encodeJson, isJsonObject } from '../../../contracts/json/json.ts'
import type { Json } from '../../../contracts/json/json.ts'
import {
  LINES_LENGTH_MAX,
  LINES_ROWS_MAX,
  linesIdOf,
} from '../../../contracts/wire/ledger-lines.ts'
import type { LedgerLines, LedgerName, LedgerRow } from '../../../contracts/wire/ledger-lines.ts'
import { STATUS_LOG } from '../../../contracts/ledgers/status-record.ts'
import { MISSIONS_FOLDER } from '../../../project/missions/mission-names.ts'
import { KittiwakeError } from '../../../errors.ts'
import type { CommitGraph, CommitNode, TreeEntry } from '../objects/commit-graph.ts'
import { LOG_BYTES_MAX } from './log-file.ts'
import { readLogLines, TORN_LINE } from './log-lines.ts'

/** Removes what must not leave; throws KittiwakeError where it can't. */
export type Clean = (value: unknown) => Json

/** Whose lines they are. */
export type Owner = { readonly project_uuid: string; readonly build_id: string }
/** With the name of their project, which goes where it is clean. */
export type NamedOwner = Owner & { readonly project_slug: string }

const LOG_BY_LEDGER: Readonly<Record<LedgerName, string>> = {
  decisions: DECISION_LOG,
  status: STATUS_LOG,
}
const NEWLINE = 0x0a
/** As a frame may name a mission. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/
const META_BYTES_MAX = 64 * 1024
const EMPTY = Buffer.alloc(0)

/**
 * Decisions before the moves that they led to, mission by mission. A name that a frame can't carry, or that isn't clean, is
 * left out with its rows. @throws CommitDeferral and system errors.
 */
export async function linesOfCommit(
  graph: CommitGraph,
  commit: CommitNode,
  owner: NamedOwner,
  clean: Clean,
): Promise<readonly LedgerLines[]> {
  const parent = commit.parents[0]
  const before = parent === undefined ? null : await graph.findCommit(parent)
  const old = await foldersOf(graph, before)
  const frames: LedgerLines[] = []
  for (const [mission, folder] of await foldersOf(graph, commit)) {
    const known = old.get(mission)
    if (known?.oid === folder.oid || !NAME.test(mission) || !isClean({ mission }, clean)) continue
    const told = await missionLines(graph, folder, known ?? null, clean)
    if (told.every(([, rows]) => rows.length === 0)) continue
    const mission_id = await missionIdOf(graph, folder)
    const whose = cleanOwner(owner, clean)
    const place = { git_hash: commit.oid, mission, mission_id, history: false, ...whose }
    for (const [ledger, rows] of told) frames.push(...framesOf({ ...place, ledger }, rows))
  }
  return frames
}

/** All that the logs of a mission hold in a commit, as history. @throws as `linesOfCommit`. */
export async function linesOfHistory(
  graph: CommitGraph,
  { commit, mission }: { readonly commit: CommitNode; readonly mission: string },
  owner: NamedOwner,
  clean: Clean,
): Promise<readonly LedgerLines[]> {
  const folder = (await foldersOf(graph, commit)).get(mission)
  if (folder === undefined || !NAME.test(mission) || !isClean({ mission }, clean)) return []
  const mission_id = await missionIdOf(graph, folder)
  const whose = cleanOwner(owner, clean)
  const place = { git_hash: commit.oid, mission, mission_id, history: true, ...whose }
  const told = await missionLines(graph, folder, null, clean)
  return told.flatMap(([ledger, rows]) => framesOf({ ...place, ledger }, rows))
}

/** The logs of a mission that a commit holds, and how many lines they have. */
export async function logsOfMission(
  graph: CommitGraph,
  commit: CommitNode,
  mission: string,
): Promise<readonly { readonly oid: string; readonly lines: number }[]> {
  const folder = (await foldersOf(graph, commit)).get(mission)
  const logs: { oid: string; lines: number }[] = []
  for (const name of Object.values(LOG_BY_LEDGER)) {
    const entry = folder === undefined ? null : await logIn(graph, folder, name)
    if (entry === null) continue
    logs.push({ oid: entry.oid, lines: addedRows(EMPTY, await bytesOf(graph, entry)).length })
  }
  return logs
}

type Place = Omit<LedgerLines, 'type' | 'lines_id' | 'rows'>

function framesOf(place: Place, rows: readonly LedgerRow[]): readonly LedgerLines[] {
  return partsOf(rows).map((part) => {
    const [from, to] = [part[0]?.line ?? 0, part.at(-1)?.line ?? 0]
    const lines_id = linesIdOf({ ...place, from, to })
    return { type: 'LedgerLines', lines_id, ...place, rows: part }
  })
}

function partsOf(rows: readonly LedgerRow[]): readonly (readonly LedgerRow[])[] {
  const parts: LedgerRow[][] = []
  let length = 0
  for (const row of rows) {
    const own = encodeJson(row).length
    const last = parts.at(-1)
    if (last === undefined || last.length >= LINES_ROWS_MAX || length + own > LINES_LENGTH_MAX) {
      parts.push([row])
      length = own
    } else {
      last.push(row)
      length += own
    }
  }
  return parts
}

async function foldersOf(
  graph: CommitGraph,
  commit: CommitNode | null,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const folder = commit === null ? null : await graph.entryAt(commit.tree, MISSIONS_FOLDER)
  if (folder === null || !folder.isTree) return new Map()
  const missions = (await graph.tree(folder.oid)).filter(({ isTree }) => isTree)
  return new Map(missions.map((entry) => [entry.name, entry]))
}

async function missionLines(
  graph: CommitGraph,
  folder: TreeEntry,
  known: TreeEntry | null,
  clean: Clean,
): Promise<readonly (readonly [LedgerName, readonly LedgerRow[]])[]> {
  const told: [LedgerName, readonly LedgerRow[]][] = []
  for (const ledger of ['decisions', 'status'] as const) {
    const name = LOG_BY_LEDGER[ledger]
    const now = await logIn(graph, folder, name)
    const then = known === null ? null : await logIn(graph, known, name)
    const isSame = now === null || now.oid === then?.oid
    const rows = isSame ? [] : addedRows(await bytesOf(graph, then), await bytesOf(graph, now))
    told.push([ledger, rows.map((row) => cleanRow(row, clean))])
  }
  return told
}

async function logIn(
  graph: CommitGraph,
  folder: TreeEntry,
  name: string,
): Promise<TreeEntry | null> {
  const entry = await graph.entryAt(folder.oid, name)
  return entry === null || entry.isTree ? null : entry
}

async function bytesOf(graph: CommitGraph, entry: TreeEntry | null): Promise<Buffer> {
  const bytes = entry === null ? EMPTY : await graph.blob(entry.oid)
  return bytes.length > LOG_BYTES_MAX ? EMPTY : bytes
}

/** The lines that the older log does not hold; of a log that was only appended to, what stands behind it. */
export function addedRows(
  before: Buffer,
  after: Buffer,
): readonly { readonly line: number; readonly value: Json }[] {
  const isAppended =
    (before.length === 0 || before.at(-1) === NEWLINE) &&
    before.equals(after.subarray(0, before.length))
  const [skippedBytes, skippedLines] = isAppended ? [before.length, linesIn(before)] : [0, 0]
  const rest = after.subarray(skippedBytes)
  const texts = rest.toString('latin1').split('\n')
  const held = new Set(isAppended ? [] : before.toString('latin1').split('\n'))
  const { lines, skipped } = readLogLines(rest)
  // What was cut short is no line yet: whoever repairs the log commits it again.
  const unreadable = skipped
    .filter(({ reason }) => reason !== TORN_LINE)
    .map(({ line }) => ({ line, value: null }))
  return [...lines, ...unreadable]
    .filter(({ line }) => !held.has(texts[line - 1] ?? ''))
    .map(({ line, value }) => ({ line: line + skippedLines, value }))
    .sort((a, b) => a.line - b.line)
}

function linesIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1
  return count
}

function cleanRow(
  { line, value }: { readonly line: number; readonly value: Json },
  clean: Clean,
): LedgerRow {
  try {
    const row = isJsonObject(value) ? clean(value) : null
    // Escaped it may be many times longer than it was read.
    const fits = isJsonObject(row) && encodeJson(row).length <= LINES_LENGTH_MAX * 8
    return { line, row: fits ? row : null }
  } catch (error) {
    // Told of, and not shown.
    if (error instanceof KittiwakeError) return { line, row: null }
    throw error
  }
}

function cleanOwner(
  { project_slug, ...owner }: NamedOwner,
  clean: Clean,
): Owner & Partial<NamedOwner> {
  const mayGo = project_slug.trim() !== '' && isClean({ project_slug }, clean)
  return mayGo ? { ...owner, project_slug } : owner
}

function isClean(named: Readonly<Record<string, string>>, clean: Clean): boolean {
  try {
    return encodeJson(clean(named)) === encodeJson(named)
  } catch {
    return false
  }
}

async function missionIdOf(graph: CommitGraph, folder: TreeEntry): Promise<string | null> {
  const bytes = await bytesOf(graph, await logIn(graph, folder, 'meta.json'))
  if (bytes.length === 0 || bytes.length > META_BYTES_MAX) return null
  const id = /"mission_id"\s*:\s*"([^"\\]*)"/.exec(bytes.toString('utf8'))?.[1] ?? ''
  return ULID.test(id) ? id : null
}
