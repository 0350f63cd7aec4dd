/** What a drain comes to: what stands in its way, what went, what stays, and why. */
import type { LinkControl } from './actors/link-control.ts'
import { readLogin } from './project/login/login.ts'
import { outboxOfProject, readOutbox, undeliveredOf } from './read-outbox.ts'
import { framesOf, readSyncState } from './workers/git/frames/sync-state.ts'
import type { StoreCounts } from './workers/store/protocol.ts'

export type DrainReport = {
  readonly delivered: number
  /** Events that stay undelivered, held ones included. */
  readonly pending: number
  readonly commits_acked: number
  /** Why something stays, or null. */
  readonly reason: UndeliveredReason | null
}

/** A closed list. */
export type UndeliveredReason =
  | 'no_consent'
  | 'not_authenticated'
  | 'hub_unreachable'
  | 'hub_refused'
  | 'commit_deferred'
  /** What waits there can't be known before git can be used again. */
  | 'ledger_unavailable'
  | 'rejected'
  | 'held'
  | 'timeout'

/** Why no drain is begun, or null. */
export function obstacleTo(state: string, uuid: string): UndeliveredReason | null {
  const consent = readOutbox(outboxOfProject(state, uuid), (reader) => reader.consent())
  if (consent !== 'granted') return 'no_consent'
  return readLogin(state).state === 'present' ? null : 'not_authenticated'
}

/** Commits that wait by the sync state as it stands; where that can't be read, the ledger refuses too. */
export function waitingCommits(root: string): Promise<readonly string[]> {
  return readSyncState(root).then(
    (reading) => framesOf(reading.state).map((frame) => frame.git_hash),
    () => [],
  )
}

/** Why a link that backs off is on its way back already. */
const SOON_BACK: ReadonlySet<string | null> = new Set(['WORKER_LOST', 'LOGIN_CHANGED'])

/** Null once both drains are empty; else why that could not be. A ledger that refuses isn't waited for. */
export async function drainOwn(
  control: LinkControl,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<UndeliveredReason | null> {
  control.hurry()
  const settled = (): boolean =>
    control.isDrained ||
    control.isEmptiedByBatches ||
    // Stopped by somebody, or by the end of a worker.
    !control.isWanted ||
    control.state === 'suspended' ||
    (control.state === 'backingOff' && !SOON_BACK.has(control.reason))
  await control.until(settled, timeoutMs, signal)
  // Looked at before any stop, which leaves every link offline and blames itself for it.
  if (!control.isDrained) return whyNot(control)
  return control.isLedgerRefusing ? 'ledger_unavailable' : null
}

export function reasonOf(after: StoreCounts): UndeliveredReason | null {
  if (after.quarantined > 0) return 'rejected'
  return after.held > 0 ? 'held' : null
}

function whyNot({ reason, state }: LinkControl): UndeliveredReason {
  if (reason === 'NO_CONSENT') return 'no_consent'
  if (reason === 'NOT_AUTHENTICATED' || reason === 'NOT_LOGGED_IN') return 'not_authenticated'
  if (state === 'suspended') return 'hub_refused'
  return reason === null ? 'timeout' : 'hub_unreachable'
}

export function report(
  before: StoreCounts,
  after: StoreCounts,
  commitsAcked: number,
  reason: UndeliveredReason | null,
): DrainReport {
  return {
    delivered: after.delivered - before.delivered,
    pending: undeliveredOf(after),
    commits_acked: commitsAcked,
    reason,
  }
}
