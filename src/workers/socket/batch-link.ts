/**
 * The second way to a hub: events by HTTP, for a backlog that the hub would take one by one otherwise, and where
 * something between lets no WebSocket through. Every request has a deadline, and none is repeated here.
 */
import { isJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { requestHub } from '../../project/login/hub-request.ts'
import type { HubReply, HubRequest } from '../../project/login/hub-request.ts'
import type { LoginReading, OpenLogin } from '../../project/login/login.ts'
import { refuseLogin } from './authenticate.ts'
import { runPass } from './batch-pass.ts'
import type { Passed } from './batch-pass.ts'
import { BatchSize } from './batch-size.ts'
import { INGRESS_LIMITS, readEpoch, readIngressLimits } from './greeting.ts'
import type { IngressLimits } from './greeting.ts'
import { SYNC_PROTOCOL } from './handshake.ts'
import type { LinkLimits } from './limits.ts'
import { composeBody } from './outgoing.ts'
import type { OutgoingItem, Strict } from './outgoing.ts'
import { refuse, refuseNetwork, refuseProtocol, refuseStatus } from './refusal.ts'
import type { Refusal } from './refusal.ts'

export type BatchLinkOptions = {
  readonly login: () => LoginReading<OpenLogin>
  readonly granted: (projectUuid: string) => boolean
  readonly limits: LinkLimits
  /** Aborted once nothing is wanted of it any more. */
  readonly signal: AbortSignal
}

/** Where batches go, as the hub itself says. */
export type BatchTarget = {
  /** The id of the login that led there. */
  readonly login: string
  readonly origin: string
  readonly team: string
  readonly epoch: string | null
  readonly limits: IngressLimits
}

/** The answer to up to 1,000 events. */
const BATCH_ANSWER_BYTES_MAX = 1024 * 1024

export class BatchLink {
  readonly target: BatchTarget
  readonly #options: BatchLinkOptions
  readonly #size: BatchSize
  #isFinishing = false

  private constructor(target: BatchTarget, options: BatchLinkOptions) {
    this.target = target
    this.#options = options
    this.#size = new BatchSize(target.limits)
  }

  /** Asks the hub whether it takes batches. Never rejects. */
  static async reach(
    options: BatchLinkOptions,
  ): Promise<BatchLink | { readonly refusal: Refusal }> {
    const reading = options.login()
    if (reading.state !== 'present') return { refusal: refuseLogin(reading) }
    const { login } = reading
    const asked = await ask(login, options, 'GET', '/api/v1/sync/health/', {})
    const found = readHealth(asked)
    if (found === 'unknown') {
      // An older hub: a batch of nothing tells whether it takes any.
      const empty = { gzipped: '{"events":[]}' }
      const tried = await ask(login, options, 'POST', BATCH_PATH, empty)
      const takesBatches = tried.kind === 'reply' && tried.status === 400
      if (!takesBatches) return { refusal: refuseReply(tried) }
    }
    if (typeof found === 'object' && 'refusal' in found) return found
    const said = typeof found === 'object' ? found : { epoch: null, limits: INGRESS_LIMITS }
    const { origin } = new URL(login.hub)
    return new BatchLink({ login: login.id, origin, team: login.team_slug, ...said }, options)
  }

  /** The request under way is the last one. */
  finish(): void {
    this.#isFinishing = true
  }

  /** Never rejects. */
  async deliver(items: readonly OutgoingItem[], strict: Strict | null): Promise<Passed> {
    const { granted, limits, signal } = this.#options
    const startedAt = performance.now()
    return runPass(items, {
      post: (body) => this.#post(body),
      compose: (item) =>
        isGranted(granted, item) ? (composeBody('events', item, strict)?.text ?? null) : null,
      limits: this.target.limits,
      size: this.#size,
      goesOn: () =>
        !this.#isFinishing && !signal.aborted && performance.now() - startedAt < limits.passMs,
    })
  }

  async #post(body: string): Promise<HubReply> {
    const reading = this.#options.login()
    const isSame =
      reading.state === 'present' &&
      new URL(reading.login.hub).origin === this.target.origin &&
      reading.login.team_slug === this.target.team
    // Another login has another target, which the outbox must know before anything goes there.
    if (!isSame) return { kind: 'failed', cause: 'aborted' }
    const options = { gzipped: body, bytesMax: BATCH_ANSWER_BYTES_MAX }
    return ask(reading.login, this.#options, 'POST', BATCH_PATH, options)
  }
}

const BATCH_PATH = '/api/v1/events/batch/'

function ask(
  { hub, token }: OpenLogin,
  { limits, signal }: BatchLinkOptions,
  method: 'GET' | 'POST',
  path: string,
  options: Partial<HubRequest>,
): Promise<HubReply> {
  return requestHub({
    method,
    url: `${hub}${path}`,
    token,
    headers: { 'x-spec-kitty-sync-protocol': SYNC_PROTOCOL },
    timeoutMs: method === 'GET' ? limits.probeMs : limits.batchMs,
    signal,
    ...options,
  })
}

type Health = { readonly epoch: string | null; readonly limits: IngressLimits }

function readHealth(reply: HubReply): Health | 'unknown' | { readonly refusal: Refusal } {
  if (reply.kind === 'reply' && (reply.status === 404 || reply.status === 405)) return 'unknown'
  const ingress: unknown = reply.kind === 'reply' ? reply.body?.['sync_ingress'] : undefined
  if (reply.kind !== 'reply' || reply.status !== 200 || !isJsonObject(ingress)) {
    return { refusal: refuseReply(reply) }
  }
  const { epoch } = reply.body as JsonObject
  return { epoch: readEpoch(epoch), limits: readIngressLimits(ingress['limits']) }
}

function refuseReply(reply: HubReply): Refusal {
  if (reply.kind === 'failed') return refuseNetwork(reply.cause)
  if (reply.status === 412) return refuseProtocol(reply.body)
  if (reply.status !== 200) return refuseStatus(reply.status, reply.retryAfterMs)
  // A page of somebody between, perhaps.
  return refuse('HUB_PROTOCOL', 'the hub gave no usable answer about its health', 'transient')
}

function isGranted(granted: BatchLinkOptions['granted'], item: OutgoingItem): boolean {
  try {
    return granted(item.projectUuid)
  } catch {
    // Unreadable consent means no.
    return false
  }
}
