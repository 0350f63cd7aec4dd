/** An event on the wire as nearly every one is, told without its model, which takes ten times as long. */
import { EVENT_ID_PATTERN, SCHEMA_VERSION, UUID_V4_PATTERN } from '../event.ts'
import type { JsonObject } from '../json/json.ts'
import { isJsonObject } from '../json/json.ts'
import { isPlainTime } from '../values/timestamp.ts'

/** True only where the models of frames take the event; what is false here may be right all the same. */
export function isPlainlyFramed(event: JsonObject): boolean {
  const { aggregate_id, build_id, causation_id, correlation_id, lamport_clock, timestamp } = event
  return (
    event['schema_version'] === SCHEMA_VERSION &&
    matches(event['event_id'], EVENT_ID_PATTERN) &&
    isName(event['event_type']) &&
    isText(aggregate_id, 1, AGGREGATE_ID_MAX) &&
    isName(event['aggregate_type']) &&
    isText(build_id, 0, NAME_MAX) &&
    isName(event['node_id']) &&
    Number.isSafeInteger(lamport_clock) &&
    (lamport_clock as number) >= 0 &&
    (causation_id === null ||
      causation_id === undefined ||
      matches(causation_id, EVENT_ID_PATTERN)) &&
    (correlation_id === undefined || matches(correlation_id, EVENT_ID_PATTERN)) &&
    typeof timestamp === 'string' &&
    isPlainTime(timestamp) &&
    matches(event['project_uuid'], UUID_V4_PATTERN) &&
    isJsonObject(event['payload']) &&
    // Few writers add them, and the models know what they may be.
    event['spec_kitty_delivery_identity'] === undefined &&
    event['admission_generation'] === undefined &&
    event['binding_audience'] === undefined
  )
}

const NAME_MAX = 256
const AGGREGATE_ID_MAX = 1_024

function isName(value: unknown): boolean {
  return isText(value, 1, NAME_MAX)
}

function isText(value: unknown, lengthMin: number, lengthMax: number): boolean {
  return typeof value === 'string' && value.length >= lengthMin && value.length <= lengthMax
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}
