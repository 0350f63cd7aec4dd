/** Who speaks: tokens looked up by their hash, failures and requests counted. */
import type { IncomingMessage } from 'node:http'
import type { Shared } from '../backend.ts'
import type { Refusal } from './guard.ts'
import { FAILURES_BURST, FAILURES_PER_S, REQUESTS_BURST, REQUESTS_PER_S } from '../limits.ts'
import { RateLimiter } from './rate.ts'
import type { HubStore } from '../data/store.ts'
import type { Session, TicketOffice } from './tickets.ts'
import { bearerOf, hashSecret, isSessionSecret, ticketAmong } from './secrets.ts'
import type { Sessions } from './sessions.ts'

/** Not told apart on purpose: a missing, a malformed, an unknown and a used-up token. */
const UNAUTHENTICATED: Refusal = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'a valid bearer token is expected',
}
const TOO_MANY: Refusal = {
  status: 429,
  code: 'TOO_MANY_REQUESTS',
  message: 'too many requests; try again in a second',
}

export type Authentication =
  | { readonly session: Session; readonly refusal: null }
  | { readonly session: null; readonly refusal: Refusal }

export class Logins {
  readonly #store: Pick<HubStore, 'holderOf'>
  readonly #shared: Shared | null
  readonly #tickets: TicketOffice
  readonly #sessions: Pick<Sessions, 'tokenOf'>
  readonly #requests = new RateLimiter(REQUESTS_BURST, REQUESTS_PER_S)
  readonly #failures = new RateLimiter(FAILURES_BURST, FAILURES_PER_S)

  constructor(
    store: Pick<HubStore, 'holderOf'>,
    tickets: TicketOffice,
    sessions: Pick<Sessions, 'tokenOf'>,
    shared: Shared | null = null,
  ) {
    this.#shared = shared
    this.#store = store
    this.#tickets = tickets
    this.#sessions = sessions
  }

  /** Asks the other hubs of a secret that this one does not know. @throws LinkError HUB_AWAY */
  async learn(request: IncomingMessage): Promise<void> {
    if (this.#shared === null) return
    const secret = bearerOf(request.headers.authorization)
    if (secret === null) return
    const isWindow = isSessionSecret(secret)
    const hash = isWindow ? this.#sessions.tokenOf(request, secret) : hashSecret(secret)
    if (hash === null || this.#store.holderOf(hash) === null) await this.#shared.catchUp()
  }

  /** As `learn`, of a login token. @throws LinkError HUB_AWAY */
  async learnToken(token: string): Promise<void> {
    if (this.#store.holderOf(hashSecret(token)) === null) await this.#shared?.catchUp()
  }

  /** The session of a request with a login token, or from a window that is logged in. */
  ofRequest(request: IncomingMessage): Authentication {
    const secret = bearerOf(request.headers.authorization)
    if (secret === null) return this.#failure(request)
    const isWindow = isSessionSecret(secret)
    return this.#of(
      request,
      isWindow ? this.#sessions.tokenOf(request, secret) : hashSecret(secret),
    )
  }

  /** The session of a request that brings a login token in its body. */
  ofToken(request: IncomingMessage, token: string): Authentication {
    return this.#of(request, hashSecret(token))
  }

  #of(request: IncomingMessage, hash: Buffer | null): Authentication {
    const holder = hash === null ? null : this.#store.holderOf(hash)
    if (hash === null || holder === null) return this.#failure(request)
    const { team, user, token_id: login, ends_at: endsAt } = holder
    if (!this.#requests.take(login)) return { session: null, refusal: TOO_MANY }
    return { session: { team, user, login, secret: hash.toString('hex'), endsAt }, refusal: null }
  }

  /** The session of an upgrade with a socket token, which is used up. */
  async ofUpgrade(request: IncomingMessage): Promise<Authentication> {
    const { authorization, 'sec-websocket-protocol': protocols } = request.headers
    const secret = bearerOf(authorization) ?? ticketAmong(protocols)
    const session = secret === null ? null : await this.#tickets.redeem(secret)
    if (session !== null && !this.isGood(session)) await this.#shared?.catchUp()
    // The login may have ended since the socket token was given.
    if (session === null || !this.isGood(session)) return this.#failure(request)
    return { session, refusal: null }
  }

  /** Whether the token of the session is neither expired nor revoked. */
  isGood({ secret }: Session): boolean {
    return this.#store.holderOf(Buffer.from(secret, 'hex')) !== null
  }

  /** Why a webhook's request is refused; null where it proved whose it is. */
  refuseWebhook(request: IncomingMessage, webhookId: string, isProved: boolean): Refusal | null {
    if (!isProved) return this.#failure(request).refusal
    return this.#requests.take(webhookId) ? null : TOO_MANY
  }

  // Only failures are counted by address: all users of a machine share it.
  #failure(request: IncomingMessage): Authentication {
    const isTolerated = this.#failures.take(request.socket.remoteAddress ?? 'unknown')
    return { session: null, refusal: isTolerated ? UNAUTHENTICATED : TOO_MANY }
  }
}
