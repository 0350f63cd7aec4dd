/** What became of deliveries between systems. Source: the event contracts. */
import { count, dateTime, httpUrl, open, positive, text } from '../values/fields.ts'

const delivery = {
  delivery_id: text,
  source_event_fingerprint: text,
  connector_id: text,
  mission_id: text,
  recorded_at: dateTime,
}

export const sync = {
  SyncIngestAccepted: open({
    ...delivery,
    ingest_batch_id: text,
    ingested_count: positive,
  }),
  SyncIngestRejected: open({
    ...delivery,
    rejection_reason: text,
    rejected_payload_ref: text,
  }),
  SyncRetryScheduled: open({
    ...delivery,
    retry_attempt: positive,
    max_retries: positive,
    next_retry_at: dateTime,
  }),
  SyncDeadLettered: open({
    ...delivery,
    failure_reason: text,
    total_attempts: positive,
    dead_letter_ref: text,
  }),
  SyncReplayCompleted: open({
    ...delivery,
    replay_id: text,
    replayed_count: count,
    replay_source: text,
  }),
  ExternalReferenceLinked: open({
    link_id: text,
    connector_id: text,
    external_provider: text,
    external_ref_type: text,
    external_ref_id: text,
    external_ref_url: httpUrl,
    internal_aggregate_type: text,
    internal_aggregate_id: text,
    mission_id: text,
    linked_by: text,
    recorded_at: dateTime,
  }),
}
