/** Reflog lines as git writes them, in the logs of the branch and of the worktree's HEAD. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import { stateOrNull } from '../disk/path-state.ts'
import type { DurableFs } from '../disk/durable-fs.ts'

export type ReflogLine = {
  readonly oldOid: string
  readonly newOid: string
  readonly name: string
  readonly email: string
  /** Unix seconds; the zone is UTC, as in our commits. */
  readonly timestamp: number
  readonly message: string
}

type Reflog = {
  readonly path: string
  /** Bytes before our line; null where the file is not there. */
  readonly size: number | null
}

/** A log, and the line of ours that shall be its next. */
export type PlannedReflog = Reflog & { readonly line: string }

type Place = { readonly gitDir: string; readonly commonDir: string; readonly ref: string }

const NEWLINE = 10

/** Both logs with their present sizes; null where the file is not there. */
function readReflogs({ gitDir, commonDir, ref }: Place): Reflog[] {
  return [join(gitDir, 'logs', 'HEAD'), join(commonDir, 'logs', ref)].map((path) => {
    const state = stateOrNull(path)
    return { path, size: state?.isFile() === true ? state.size : null }
  })
}

/** Whether the logs are as long as they were when the lines were planned. */
export function areUntouched(place: Place, planned: readonly PlannedReflog[]): boolean {
  const now = readReflogs(place)
  return planned.every(({ path, size }, at) => now[at]?.path === path && now[at]?.size === size)
}

export function planReflogs(place: Place, line: ReflogLine): readonly PlannedReflog[] {
  const text = renderLine(line)
  return readReflogs(place).map((reflog) => ({
    ...reflog,
    line: endsWithinLine(reflog) ? `\n${text}` : text,
  }))
}

/** A power cut left half a line, since nobody makes sure of reflogs. What is added to it, git reads as a part of it. */
function endsWithinLine({ path, size }: Reflog): boolean {
  if (size === null || size === 0) return false
  const file = openSync(path, 'r')
  try {
    const last = Buffer.alloc(1)
    return readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE
  } finally {
    closeSync(file)
  }
}

/** Call it while the locks of HEAD and of the branch are held. `create` follows `core.logAllRefUpdates`. */
export async function appendReflogs(
  fs: DurableFs,
  planned: readonly PlannedReflog[],
  create: boolean,
): Promise<void> {
  for (const { path, line } of planned) {
    try {
      await fs.appendLine(path, Buffer.from(line), create)
    } catch (error) {
      // A folder stands where the log would be, or a log where its folder would be: git lost that log before.
      if (!['EISDIR', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error
    }
  }
}

/** Takes our line, or what a crash left of it, off the end of a log. What others wrote there stays. */
export async function cutReflog(fs: DurableFs, { path, size, line }: PlannedReflog): Promise<void> {
  const state = stateOrNull(path)
  const start = size ?? 0
  if (state?.isFile() !== true || state.size > start + Buffer.byteLength(line)) return
  const tail = readFileSync(path).subarray(start)
  if (!Buffer.from(line).subarray(0, tail.length).equals(tail)) return
  if (size === null) await fs.remove(path)
  else if (tail.length > 0) await fs.truncate(path, size)
}

function renderLine(line: ReflogLine): string {
  const subject = line.message.split('\n', 1)[0] ?? ''
  const who = `${line.name} <${line.email}> ${line.timestamp} +0000`
  return `${line.oldOid} ${line.newOid} ${who}\tcommit: ${subject}\n`
}
