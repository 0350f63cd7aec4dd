/** How commits came to a branch, as git's reflogs tell it. Reads only, and totally: a log that is not there has no entries. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { AppendedFile } from '../disk/appended-file.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { namesIn } from '../../../project/files/names-in.ts'
import { OID } from '../../../project/git/object-id.ts'

export type Movement = {
  /** All zeros where the branch began. */
  readonly from: string
  readonly to: string
  /**
   * `made`: the commit was made here. `brought`: the branch was set to it, by a fast-forward, the end of a rebase, a reset.
   * `arrived`: it came by fetch, pull or clone.
   */
  readonly kind: 'made' | 'brought' | 'arrived'
  /** `to` was made in the place of `from`. */
  readonly isAmend: boolean
  /** `to` leads to `from`. */
  readonly isForward: boolean
  /** A remote-tracking ref followed what was pushed from here. */
  readonly isPush: boolean
}

const REFLOG_BYTES_MAX = 64 * 1024 * 1024
const DEPTH_MAX = 32
const LINE = new RegExp(`^(${OID}) (${OID}) [^\\n]*?> -?\\d+ [+-]\\d{4}(?:\\t([^\\n]*))?$`)
const ARRIVED =
  /^(?:fetch|pull|clone)\b|^(?:branch: (?:Created from|Reset to)|reset: moving to) FETCH_HEAD$/
/** The steps of a rebase that make a commit, whoever started it. */
const PICKED =
  /^(?:pull\b[^:]*|rebase(?: -i)?) \((?:pick|reword|edit|squash|fixup|continue|merge)\)(?!: fast-forward$)/
/** What a pull rebased is ours again. */
const REBASED = /^pull\b[^:]*\((?:start|finish)\)/
const MADE = /^(?:commit|cherry-pick|revert|am)\b(?!: fast-forward$)/
const MERGED = /^merge\b(?!.*: Fast-forward)/

/** Of the refs that are looked at again and again. */
const LOGS = new AppendedFile<Movement[]>((text, before) => movementsIn(text, before ?? []))

/** The movements of a branch, or of any other ref, oldest first; null where it has no log. Later ones are added to the same. */
export function readMovements(commonDir: string, ref: string): readonly Movement[] | null {
  const path = join(commonDir, 'logs', ref)
  const read = readBounded(path, REFLOG_BYTES_MAX, { followLink: true })
  return read.state === 'read' ? LOGS.parse(path, read.bytes) : null
}

/** All commits that were made in this repository and that a log remembers: of any branch, in any worktree. */
export function readMade(commonDir: string): ReadonlySet<string> {
  const made = new Set<string>()
  const logs = [
    ...gitDirectories(commonDir).map((gitDir) => join(gitDir, 'logs', 'HEAD')),
    ...logsBelow(join(commonDir, 'logs', 'refs', 'heads')),
  ]
  for (const path of logs) {
    for (const { kind, to } of readLog(path) ?? []) if (kind === 'made') made.add(to)
  }
  return made
}

/** Those of the repository itself and of its linked worktrees. */
export function gitDirectories(commonDir: string): readonly string[] {
  const worktrees = join(commonDir, 'worktrees')
  return [commonDir, ...namesIn(worktrees).map((name) => join(worktrees, name))]
}

function readLog(path: string): readonly Movement[] | null {
  const read = readBounded(path, REFLOG_BYTES_MAX, { followLink: true })
  return read.state === 'read' ? movementsIn(read.bytes.toString('latin1')) : null
}

function movementsIn(text: string, movements: Movement[] = []): Movement[] {
  for (const line of text.split('\n')) {
    const [, from = '', to = '', message = ''] = LINE.exec(line) ?? []
    if (to === '') continue
    movements.push({
      from,
      to,
      kind: kindOf(message),
      isAmend: message.startsWith('commit (amend)'),
      isForward: /: fast-forward$/i.test(message),
      isPush: message.startsWith('update by push'),
    })
  }
  return movements
}

function kindOf(message: string): Movement['kind'] {
  if (PICKED.test(message)) return 'made'
  if (REBASED.test(message)) return 'brought'
  if (ARRIVED.test(message)) return 'arrived'
  return MADE.test(message) || MERGED.test(message) ? 'made' : 'brought'
}

function logsBelow(folder: string, depth = 0): string[] {
  if (depth > DEPTH_MAX) return []
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return logsBelow(path, depth + 1)
      return entry.isFile() ? [path] : []
    })
  } catch {
    return []
  }
}
