/** What became of deliveries: accepted, rejected, tried again, given up, replayed. */
import type { Json, JsonObject } from '../json/json.ts'
import { compareJson } from '../json/compare-json.ts'
import type { Family, Input, Run } from './types.ts'
import { numberOf, textOf } from './values.ts'

type Outcome = { readonly outcome: string; readonly count: string }

const OUTCOME_BY_TYPE: ReadonlyMap<string, Outcome> = new Map([
  ['SyncIngestAccepted', { outcome: 'accepted', count: 'accepted_count' }],
  ['SyncIngestRejected', { outcome: 'rejected', count: 'rejected_count' }],
  ['SyncRetryScheduled', { outcome: 'retry_scheduled', count: 'retry_count' }],
  ['SyncDeadLettered', { outcome: 'dead_lettered', count: 'dead_letter_count' }],
  ['SyncReplayCompleted', { outcome: 'replay_completed', count: 'replay_count' }],
])

export const sync: Family = {
  types: new Set(OUTCOME_BY_TYPE.keys()),
  keysOf: (events) => events.map(({ payload }) => textOf(payload, 'connector_id') || null),
  fold: foldSync,
  reference: { countsForeign: true, anomaly: 'kind', hasLastEvent: false, strictByDefault: false },
}

function foldSync(events: readonly Input[], run: Run): JsonObject {
  const counts = new Map([...OUTCOME_BY_TYPE.values()].map(({ count }) => [count, 0]))
  const seen = new Map<string, Json>()
  const log: Json[] = []
  let connectorId: string | null = null
  for (const event of events) {
    const found = OUTCOME_BY_TYPE.get(event.event_type)
    const payload = found === undefined ? null : run.parse(event)
    if (found === undefined || payload === null) continue
    const delivery = textOf(payload, 'delivery_id')
    const pair = [delivery, textOf(payload, 'source_event_fingerprint')]
    const key = JSON.stringify(pair)
    if (seen.has(key)) {
      run.report(event, 'duplicate_delivery_pair', `${pair.join(' of ')} was told already`)
      continue
    }
    seen.set(key, pair)
    checkRetry(event, payload, run)
    connectorId = textOf(payload, 'connector_id')
    counts.set(found.count, (counts.get(found.count) ?? 0) + 1)
    log.push([event.event_id, found.outcome, delivery])
  }
  return {
    connector_id: connectorId,
    outcome_counts: Object.fromEntries(counts),
    outcome_log: log,
    seen_delivery_pairs: [...seen.values()].sort(compareJson),
  }
}

function checkRetry(event: Input, payload: JsonObject, run: Run): void {
  const attempt = numberOf(payload, 'retry_attempt')
  const max = numberOf(payload, 'max_retries')
  if (run.reference || attempt <= max || event.event_type !== 'SyncRetryScheduled') return
  const detail = `attempt ${attempt} of ${max}`
  run.report(event, 'retry_beyond_max', detail, { path: 'retry_attempt' })
}
