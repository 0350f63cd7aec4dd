/**
 * `<commonDir>/kittiwake/replaced.json`: the entries that our commits of the last minute replaced in the index of a worktree.
 * A native command may have read that index before our commit and write it back after: by this its old entry is told from
 * one that the user staged. Nobody waits for the disk: without the file, the next commit of ours puts our entry back.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject, parseJsonObject } from '../../../contracts/json/json.ts'
import type { Json } from '../../../contracts/json/json.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readIndexVersion } from './index-reader.ts'

export type ReplacedEntry = {
  /** Relative to the worktree, `/` between the names. */
  readonly path: string
  /** As our last commit left it; null: no entry any more. */
  readonly oid: string | null
  readonly mode: string
  /** What stood there before our commits, as of `IndexScan.stamp`; the newest last. */
  readonly was: readonly string[]
}

export type ReplacedEntries = {
  /** Absolute, of the worktree. */
  readonly gitDir: string
  readonly ref: string
  /** As of `readIndexVersion`: the index that was looked at last, in which all entries were as ours. */
  readonly index: string
  /** Unix milliseconds of our last commit. */
  readonly at: number
  readonly entries: readonly ReplacedEntry[]
}

/** A command that has read an index for longer than this has most likely died. */
export const KEPT_MS = 60_000
const WORKTREES_MAX = 16
const ENTRIES_MAX = 64
/** So many commits of ours can come between what a command reads and what it writes. */
const STAMPS_MAX = 16
const BYTES_MAX = 4 * 1024 * 1024

/** Total: what can't be read, or is too old, counts as nothing. */
export function readReplaced(commonDir: string, now = Date.now()): readonly ReplacedEntries[] {
  try {
    const text = readFileSync(replacedPath(commonDir), 'utf8')
    if (text.length > BYTES_MAX) return []
    const { worktrees } = parseJsonObject(text, BYTES_MAX)
    if (!Array.isArray(worktrees)) return []
    const known = worktrees.flatMap((one) => parseEntries(one) ?? [])
    return known.filter(({ at }) => now - at < KEPT_MS)
  } catch {
    return []
  }
}

/** Whether an index that our commits changed was written since by somebody else: a file is read, and a stat for each. */
export function hasIndexChanged(commonDir: string): boolean {
  return readReplaced(commonDir).some(({ gitDir, index }) => readIndexVersion(gitDir) !== index)
}

/** Call it under the repository lock, once the commit is made. @throws system errors. */
export async function noteReplaced(
  fs: DurableFs,
  commonDir: string,
  made: Omit<ReplacedEntries, 'at'>,
): Promise<void> {
  const known = readReplaced(commonDir)
  const same = known.find(({ gitDir }) => gitDir === made.gitDir)
  const byPath = new Map((same?.entries ?? []).map((entry) => [entry.path, entry]))
  for (const entry of made.entries) {
    const was = [...(byPath.get(entry.path)?.was ?? []), ...entry.was].slice(-STAMPS_MAX)
    byPath.delete(entry.path)
    byPath.set(entry.path, { ...entry, was })
  }
  const entries = [...byPath.values()].slice(-ENTRIES_MAX)
  const others = known.filter((one) => one !== same).slice(1 - WORKTREES_MAX)
  await writeReplaced(fs, commonDir, [...others, { ...made, entries, at: Date.now() }])
}

/** Call it under the repository lock. @throws system errors. */
export async function writeReplaced(
  fs: DurableFs,
  commonDir: string,
  worktrees: readonly ReplacedEntries[],
): Promise<void> {
  const path = replacedPath(commonDir)
  if (worktrees.length === 0) return fs.remove(path)
  const temporary = fs.temporaryPath()
  const bytes = Buffer.from(JSON.stringify({ worktrees }))
  await fs.createFile(temporary, { bytes, mode: 0o600, isDurable: false })
  await fs.rename(temporary, path)
}

function replacedPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'replaced.json')
}

function parseEntries(value: Json): ReplacedEntries | null {
  if (!isJsonObject(value)) return null
  const { gitDir, ref, index, at, entries } = value
  if (typeof gitDir !== 'string' || typeof ref !== 'string' || typeof index !== 'string')
    return null
  if (typeof at !== 'number' || !Array.isArray(entries)) return null
  const parsed = entries.map(parseEntry)
  return parsed.every((entry) => entry !== null)
    ? { gitDir, ref, index, at, entries: parsed }
    : null
}

function parseEntry(value: Json): ReplacedEntry | null {
  if (!isJsonObject(value)) return null
  const { path, oid, mode, was } = value
  if (typeof path !== 'string' || typeof mode !== 'string' || !Array.isArray(was)) return null
  if (oid !== null && typeof oid !== 'string') return null
  const stamps = was.filter((stamp) => typeof stamp === 'string')
  return { path, oid, mode, was: stamps }
}
