/** What a peer is told of each of its frames. */
import type { AckFrame, ErrorFrame, LocalCommitAck } from '../contracts/frames.ts'
import type { Arrival } from './peer.ts'
import type { Entry, Verdict } from './store.ts'

/** The answer to an arrival, given what the store made of it. */
export function replyTo(arrival: Arrival, verdict: Verdict | undefined): string {
  if (!('entry' in arrival)) return arrival.reply
  const ids =
    arrival.entry.kind === 'event'
      ? { event_id: arrival.entry.event_id }
      : { git_hash: arrival.entry.git_hash }
  switch (verdict) {
    case 'accepted':
    case 'duplicate':
      return JSON.stringify(ackOf(arrival, verdict))
    case 'conflict':
      return refusal('event_id_conflict', ids)
    default:
      return refusal('not_stored', ids, true)
  }
}

function ackOf(
  arrival: Extract<Arrival, { entry: Entry }>,
  status: 'accepted' | 'duplicate',
): AckFrame | LocalCommitAck {
  if (!('frame' in arrival)) return { type: 'ack', event_id: arrival.entry.event_id, status }
  const { git_hash, build_id, project_uuid } = arrival.frame
  const received_at = new Date().toISOString()
  return { type: 'LocalCommitAck', git_hash, build_id, project_uuid, status, received_at }
}

/** The verdict on a frame that is not stored. */
export function refusal(
  category: string,
  ids: { readonly event_id?: string | null; readonly git_hash?: string | null },
  retryable = false,
): string {
  const { event_id, git_hash } = ids
  const frame: ErrorFrame = {
    type: 'error',
    ...(typeof event_id === 'string' ? { event_id } : {}),
    ...(typeof git_hash === 'string' ? { git_hash } : {}),
    status: 'rejected',
    error_category: category,
    retryable,
  }
  return JSON.stringify(frame)
}
