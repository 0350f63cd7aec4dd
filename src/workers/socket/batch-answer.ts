/**
 * What a hub's answer to one batch means. Total, and in favour of keeping: an event is done with only where the answer
 * names it and says so in a word that is known; everything else is sent again by the same id.
 */
import { isJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import type { HubReply } from '../../project/login/hub-request.ts'
import type { IngressLimits } from './greeting.ts'
import type { Rejected } from './protocol.ts'
import { refuse, refuseNetwork, refuseProtocol, refuseStatus, wordsOf } from './refusal.ts'
import type { Refusal } from './refusal.ts'

export type BatchOutcome =
  /** What is in neither list is kept. */
  | {
      readonly kind: 'verdicts'
      readonly accepted: readonly string[]
      readonly rejected: readonly Rejected[]
    }
  /** Nothing was taken, because of these. */
  | { readonly kind: 'culprits'; readonly rejected: readonly Rejected[] }
  /** Nothing was taken, because of one that the hub doesn't name. */
  | { readonly kind: 'poison'; readonly reason: string }
  | { readonly kind: 'tooLarge' }
  /** No word about any event: the pass ends. */
  | { readonly kind: 'halt'; readonly refusal: Refusal }

const DONE: ReadonlySet<unknown> = new Set(['success', 'accepted', 'warning', 'duplicate'])
/** Refusals of the whole project: another try changes nothing. */
const FINAL_CATEGORIES: ReadonlySet<string> = new Set([
  'project_not_admitted',
  'project_not_consented',
  'project_refused',
])
const TOO_LARGE = /too[ _]large|oversized/i

export function readBatchReply(
  reply: HubReply,
  ids: readonly string[],
  limits: IngressLimits,
): BatchOutcome {
  if (reply.kind === 'failed') return { kind: 'halt', refusal: refuseNetwork(reply.cause) }
  const { status, body } = reply
  if (status === 200 && body !== null && Array.isArray(body['results'])) {
    return readResults(body['results'], ids)
  }
  if (status === 413 || (status === 400 && TOO_LARGE.test(complaintOf(body)))) {
    return { kind: 'tooLarge' }
  }
  if (status === 400) return readComplaint(body, ids)
  if (status === 412) return { kind: 'halt', refusal: refuseProtocol(body) }
  if (status >= 200 && status < 300) {
    return { kind: 'halt', refusal: refuse('HUB_PROTOCOL', NO_VERDICTS, 'transient') }
  }
  return { kind: 'halt', refusal: refuseStatus(status, boundedWait(reply.retryAfterMs, limits)) }
}

const NO_VERDICTS = 'the hub took a batch without a verdict on its events'

function boundedWait(ms: number | null, limits: IngressLimits): number | null {
  if (ms === null) return null
  return Math.min(Math.max(ms, limits.retryAfterMinMs), limits.retryAfterMaxMs)
}

function readResults(results: readonly unknown[], ids: readonly string[]): BatchOutcome {
  const sent = new Set(ids)
  const resultById = new Map<string, JsonObject | null>()
  for (const result of results) {
    const id = isJsonObject(result) ? result['event_id'] : undefined
    if (typeof id !== 'string' || !sent.has(id)) continue
    // Two words on one event are none.
    resultById.set(id, resultById.has(id) ? null : (result as JsonObject))
  }
  const accepted: string[] = []
  const rejected: Rejected[] = []
  for (const [id, result] of resultById) {
    if (DONE.has(result?.['status'])) accepted.push(id)
    // What it would take at another time isn't counted against the event.
    if (result?.['status'] === 'rejected' && result['retryable'] !== true) {
      rejected.push(readRejection(id, result))
    }
  }
  return { kind: 'verdicts', accepted, rejected }
}

function readComplaint(body: JsonObject | null, ids: readonly string[]): BatchOutcome {
  const sent = new Set(ids)
  const rejectionById = new Map<string, Rejected>()
  for (const detail of detailsOf(body)) {
    const id = isJsonObject(detail) ? detail['event_id'] : undefined
    if (typeof id !== 'string' || !sent.has(id)) continue
    rejectionById.set(id, readRejection(id, detail as JsonObject))
  }
  if (rejectionById.size === 0) return { kind: 'poison', reason: complaintOf(body) || 'rejected' }
  return { kind: 'culprits', rejected: [...rejectionById.values()] }
}

/** A list, or a list written as text. */
function detailsOf(body: JsonObject | null): readonly unknown[] {
  const details = body?.['details']
  if (Array.isArray(details)) return details
  if (typeof details !== 'string') return []
  try {
    const list: unknown = JSON.parse(details)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

function readRejection(id: string, said: JsonObject): Rejected {
  const category = wordsOf(said['error_category'] ?? said['category'] ?? said['code'])
  const words = wordsOf(said['error_message'] ?? said['detail'] ?? said['error'] ?? said['reason'])
  const reason = [category, words].filter((text) => text !== '').join(': ') || 'rejected'
  return { id, reason, isFinal: FINAL_CATEGORIES.has(category) || said['retryable'] === false }
}

function complaintOf(body: JsonObject | null): string {
  const words = [body?.['error'], body?.['error_category'], body?.['code'], body?.['message']]
  return words.map(wordsOf).find((text) => text !== '') ?? ''
}
