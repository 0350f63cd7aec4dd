/** What git asks of a merge driver: three files in, the merge in the second one, and whether it is clean. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createHash } from 'node:crypto'
import { counted } from '../../../contracts/values/counted.ts'
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import { mergeLogs } from '../../../contracts/ledgers/merge-logs.ts'
import type { MergedLog } from '../../../contracts/ledgers/merge-logs.ts'
import { STATUS_SNAPSHOT } from '../../../contracts/ledgers/status-record.ts'
import { GitError, systemCode } from '../../../errors.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import { DurableFs } from '../disk/durable-fs.ts'
import { LOG_BYTES_MAX } from './log-file.ts'
import { sideLines } from './log-lines.ts'

export type DriverFiles = {
  readonly base: string
  readonly ours: string
  readonly theirs: string
  /** Where the merge goes in the worktree. */
  readonly path: string
}

export type DriverOutcome = {
  readonly clean: boolean
  /** What a person has to look at, or null. */
  readonly message: string | null
}

const CONFLICTS = 'conflicts'

/** Works in the folder of git's that asks. @throws GitError MERGE_UNREADABLE */
export async function driveMerge(files: DriverFiles, commonDir: string): Promise<DriverOutcome> {
  // Derived from the log beside it: ours will do until the next write makes it anew.
  if (basename(files.path) === STATUS_SNAPSHOT) return { clean: true, message: null }
  const dialect = basename(files.path) === DECISION_LOG ? 'compact' : 'spaced'
  const sides = [files.base, files.ours, files.theirs].map((path) => sideLines(readSide(path)))
  const merged = mergeLogs(sides, dialect)
  replace(files.ours, merged.text)
  if (merged.conflicts.length === 0 && merged.unread.length === 0) {
    return { clean: true, message: null }
  }
  const name = await keepAside(merged, files.path, commonDir)
  const { conflicts, unread } = merged
  const message = `${counted(conflicts.length, 'event')} with two contents, ${counted(unread.length, 'line that is no row', 'lines that are no rows')}: see ${name} in the git directory. What is readable is merged; \`git add\` it when you have looked.`
  return { clean: false, message }
}

function readSide(path: string): Buffer {
  try {
    const bytes = readFileSync(path)
    if (bytes.length <= LOG_BYTES_MAX) return bytes
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0)
    throw unreadable(error)
  }
  throw unreadable(null)
}

function replace(path: string, text: string): void {
  const temporary = `${path}.kittiwake`
  try {
    writeFileSync(temporary, text)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw unreadable(error)
  }
}

/** Durable before the log forgets them. The same conflict again is the same file. */
async function keepAside(merged: MergedLog, path: string, commonDir: string): Promise<string> {
  const fs = new DurableFs(commonDir)
  const lines = [...merged.conflicts.flatMap(({ versions }) => versions), ...merged.unread]
  const text = `${lines.join('\n')}\n`
  const digest = createHash('sha1').update(path).update(text).digest('hex').slice(0, 12)
  const name = `${basename(path)}.${digest}`
  const folder = join(commonDir, STATE_DIRECTORY, CONFLICTS)
  await fs.makeDirectory(folder)
  await fs.replaceFile(join(folder, name), { bytes: Buffer.from(text) })
  return `${STATE_DIRECTORY}/${CONFLICTS}/${name}`
}

function unreadable(cause: unknown): GitError {
  return new GitError('MERGE_UNREADABLE', 'a side of the merge can not be read or written', {
    hint: 'Check the disk; a log has at most 64 MiB. Then merge again.',
    cause,
  })
}
