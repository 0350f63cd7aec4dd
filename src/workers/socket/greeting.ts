/** What a hub says of itself when it greets: which dialect and features it speaks, how much it takes, and its epoch. */
import type { StrictDialect } from '../../contracts/wire/frames.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { LEDGER_FEATURES } from '../../contracts/wire/ledger-frame.ts'
import type { LedgerFeature } from '../../contracts/wire/ledger-frame.ts'
import { isJsonObject } from '../../contracts/json/json.ts'
import { RETRY_AFTER_MAX_MS } from '../../project/login/hub-request.ts'

/** How much of events a hub takes at once, and for how long it may ask us to stay away. */
export type IngressLimits = {
  readonly eventsMax: number
  /** Of JSON, before it is compressed. */
  readonly bytesMax: number
  readonly retryAfterMinMs: number
  readonly retryAfterMaxMs: number
}

export type Greeting = {
  readonly dialect: StrictDialect | null
  readonly limits: IngressLimits
  /** Array frames with cumulative acks. */
  readonly takesArrays: boolean
  /** What its user works on. */
  readonly takesPresence: boolean
  /** Beside commits; only the plain dialect knows such frames. */
  readonly takes: readonly LedgerFeature[]
  /** Another one than before: the hub may have lost what it acknowledged. */
  readonly epoch: string | null
}

/** However much a hub says that it takes. */
const EVENTS_MAX = 1_000
export const INGRESS_BYTES_MAX = 524_288
const EPOCH_PATTERN = /^[\x21-\x7e]{1,256}$/

/** Of a hub that says nothing. */
export const INGRESS_LIMITS: IngressLimits = {
  eventsMax: EVENTS_MAX,
  bytesMax: 262_144,
  retryAfterMinMs: 0,
  retryAfterMaxMs: RETRY_AFTER_MAX_MS,
}

export function readGreeting(frame: JsonObject): Greeting {
  const { epoch, limits } = frame
  const features = Array.isArray(frame['features']) ? frame['features'] : []
  const dialect = readDialect(frame)
  return {
    dialect,
    limits: readIngressLimits(limits),
    takesArrays: features.includes('event_batches'),
    takesPresence: dialect === null && features.includes('presence'),
    takes: dialect === null ? LEDGER_FEATURES.filter((one) => features.includes(one)) : [],
    epoch: readEpoch(epoch),
  }
}

export function readEpoch(said: unknown): string | null {
  return typeof said === 'string' && EPOCH_PATTERN.test(said) ? said : null
}

/** Total: what is missing, unreadable or beyond our own bounds is as if the hub had said nothing, or the bound. */
export function readIngressLimits(said: unknown): IngressLimits {
  const { eventsMax, bytesMax, retryAfterMinMs, retryAfterMaxMs } = INGRESS_LIMITS
  const limits = isJsonObject(said) ? said : {}
  const seconds = (key: string, fallbackMs: number): number =>
    1000 * countOf(limits[key], fallbackMs / 1000, RETRY_AFTER_MAX_MS / 1000)
  const longestMs = seconds('retry_after_max_seconds', retryAfterMaxMs)
  return {
    eventsMax: countOf(limits['max_events_per_batch'], eventsMax, EVENTS_MAX),
    bytesMax: countOf(limits['max_decompressed_bytes_per_batch'], bytesMax, INGRESS_BYTES_MAX),
    retryAfterMinMs: Math.min(seconds('retry_after_min_seconds', retryAfterMinMs), longestMs),
    retryAfterMaxMs: longestMs,
  }
}

function countOf(value: unknown, fallback: number, max: number): number {
  const isCount = typeof value === 'number' && Number.isFinite(value) && value >= 1
  return isCount ? Math.min(Math.floor(value), max) : fallback
}

function readDialect(frame: JsonObject): StrictDialect | null {
  const generation = frame['admission_generation']
  const audience = frame['binding_audience']
  if (!Number.isSafeInteger(generation) || typeof audience !== 'string') return null
  return { admission_generation: generation as number, binding_audience: audience }
}
