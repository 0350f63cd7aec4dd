/** What is sent of the ledger beside events: commits, their lines, and which of them were pushed. */
import { createHash } from 'node:crypto'
import type { LocalCommit } from './frames.ts'
import type { LedgerLines } from './ledger-lines.ts'

/** What a hub announces that takes more than commits. */
export const LEDGER_FEATURES = ['ledger_lines', 'pushed_commits'] as const
export type LedgerFeature = (typeof LEDGER_FEATURES)[number]

/** The most commits that one `CommitsPushed` names. */
export const PUSHED_MAX = 500

/** Commits that the hub holds and that a remote has by now. */
export type CommitsPushed = {
  readonly type: 'CommitsPushed'
  /** What the acknowledgement names; see `pushedIdOf`. */
  readonly pushed_id: string
  readonly project_uuid: string
  readonly build_id: string
  readonly git_hashes: readonly string[]
}

/** The commits of a `CommitsPushed` that the hub holds are durably no longer local only. */
export type CommitsPushedAck = {
  readonly type: 'CommitsPushedAck'
  readonly pushed_id: string
  readonly project_uuid: string
  /** `duplicate`: it knew that of all of them. */
  readonly status: 'accepted' | 'duplicate'
}

export type LedgerFrame = LocalCommit | LedgerLines | CommitsPushed

/** Under which key a frame's id stands, by its type; of all others under `git_hash`. */
export const ID_KEY_BY_TYPE: Readonly<Record<string, string>> = {
  LedgerLines: 'lines_id',
  CommitsPushed: 'pushed_id',
}

/** What an answer names a frame by. */
export function idOfFrame(frame: LedgerFrame): string {
  if (frame.type === 'LedgerLines') return frame.lines_id
  return frame.type === 'CommitsPushed' ? frame.pushed_id : frame.git_hash
}

/** The same for the same commits. 64 hexadecimal digits. */
export function pushedIdOf(hashes: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(hashes), 'utf8').digest('hex')
}
