/** What a peer is told of each of its frames. */
import type {
  AckFrame,
  ErrorFrame,
  LocalCommit,
  LocalCommitAck,
  StrictDialect,
} from '../../contracts/wire/frames.ts'
import type { CommitsPushed, CommitsPushedAck } from '../../contracts/wire/ledger-frame.ts'
import type { LedgerLines, LedgerLinesAck } from '../../contracts/wire/ledger-lines.ts'
import type { Outcome, Verdict } from '../entries.ts'

/** Why what was well-formed is not stored. */
export type NotStored = { readonly category: string; readonly retryable: boolean }

export function rejectionOf(verdict: Exclude<Verdict, 'accepted' | 'duplicate'>): NotStored {
  if (verdict === 'conflict') return { category: 'event_id_conflict', retryable: false }
  return verdict === 'unannounced'
    ? { category: 'unknown_commit', retryable: false }
    : { category: 'not_stored', retryable: true }
}

/** The answer to an event, given what the store made of it. */
export function replyToEvent(event_id: string, outcome: Outcome | undefined): string {
  const verdict = outcome?.verdict ?? 'unstored'
  if (verdict !== 'accepted' && verdict !== 'duplicate') {
    return refusal({ ...rejectionOf(verdict), event_id })
  }
  const ack: AckFrame = { type: 'ack', event_id, status: verdict }
  return JSON.stringify(ack)
}

/** The answer to a commit. One of the stricter dialect gets its own admission back. */
export function replyToCommit(
  frame: LocalCommit & Partial<StrictDialect>,
  outcome: Outcome | undefined,
): string {
  const { git_hash, build_id, project_uuid, admission_generation, binding_audience } = frame
  const verdict = outcome?.verdict ?? 'unstored'
  if (verdict !== 'accepted' && verdict !== 'duplicate') {
    return refusal({ ...rejectionOf(verdict), git_hash })
  }
  const ack: LocalCommitAck = {
    type: 'LocalCommitAck',
    git_hash,
    build_id,
    project_uuid,
    ...(admission_generation === undefined ? {} : { admission_generation }),
    ...(binding_audience === undefined ? {} : { binding_audience }),
    status: verdict,
    received_at: new Date().toISOString(),
  }
  return JSON.stringify(ack)
}

/** The answer to rows of a ledger. */
export function replyToLines(
  { lines_id, project_uuid }: LedgerLines,
  outcome: Outcome | undefined,
): string {
  const verdict = outcome?.verdict ?? 'unstored'
  if (verdict !== 'accepted' && verdict !== 'duplicate') {
    return refusal({ ...rejectionOf(verdict), lines_id })
  }
  const ack: LedgerLinesAck = { type: 'LedgerLinesAck', lines_id, project_uuid, status: verdict }
  return JSON.stringify(ack)
}

/** The answer to commits that a remote has. */
export function replyToPushed(
  { pushed_id, project_uuid }: CommitsPushed,
  outcome: Outcome | undefined,
): string {
  const verdict = outcome?.verdict ?? 'unstored'
  if (verdict !== 'accepted' && verdict !== 'duplicate') {
    return refusal({ ...rejectionOf(verdict), pushed_id })
  }
  const ack: CommitsPushedAck = {
    type: 'CommitsPushedAck',
    pushed_id,
    project_uuid,
    status: verdict,
  }
  return JSON.stringify(ack)
}

export type RefusalFields = {
  readonly category: string
  readonly retryable?: boolean
  readonly event_id?: string | null
  readonly git_hash?: string | null
  readonly lines_id?: string | undefined
  readonly pushed_id?: string | undefined
  readonly batch?: number | undefined
  readonly project_uuid?: string
}

/** The verdict on a frame that is not stored; it names what is known of the frame. */
export function refusal(fields: RefusalFields): string {
  const {
    category,
    retryable = false,
    event_id,
    git_hash,
    lines_id,
    pushed_id,
    batch,
    project_uuid,
  } = fields
  const frame: ErrorFrame = {
    type: 'error',
    ...(typeof event_id === 'string' ? { event_id } : {}),
    ...(typeof git_hash === 'string' ? { git_hash } : {}),
    ...(lines_id === undefined ? {} : { lines_id }),
    ...(pushed_id === undefined ? {} : { pushed_id }),
    ...(batch === undefined ? {} : { batch }),
    ...(project_uuid === undefined ? {} : { project_uuid }),
    status: 'rejected',
    error_category: category,
    retryable,
  }
  return JSON.stringify(frame)
}
