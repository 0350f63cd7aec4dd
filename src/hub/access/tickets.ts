/** Socket tokens: got with a login over HTTP, used once to open a socket, forgotten after a minute. */
import { z } from 'zod'
import type { Passes } from '../backend.ts'
import { TICKETS_MAX, TICKET_TTL_S } from '../limits.ts'
import { hashSecret, newTicket } from './secrets.ts'

/** Whom a connection speaks for, and the token that it came from. */
export type Session = {
  readonly team: string
  readonly user: string
  /** The id of the token. */
  readonly login: string
  /** The hash of its secret, in hex. */
  readonly secret: string
  /** When that ends, in Unix milliseconds; null for never. */
  readonly endsAt: number | null
}

/** Gives socket tokens out, and takes each once. */
export type TicketOffice = {
  issue(session: Session): string | Promise<string>
  redeem(secret: string): Session | null | Promise<Session | null>
}

type Ticket = { readonly session: Session; readonly expiresAtMs: number }

export class Tickets implements TicketOffice {
  readonly #ticketByHash = new Map<string, Ticket>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** A new socket token. The oldest unused one gives way when there are too many. */
  issue(session: Session): string {
    const secret = newTicket()
    const expiresAtMs = this.#nowMs() + TICKET_TTL_S * 1_000
    this.#forgetExpired()
    this.#ticketByHash.set(keyOf(secret), { session, expiresAtMs })
    if (this.#ticketByHash.size > TICKETS_MAX) this.#forgetOldest()
    return secret
  }

  /** Uses a socket token up. */
  redeem(secret: string): Session | null {
    const key = keyOf(secret)
    const ticket = this.#ticketByHash.get(key)
    this.#ticketByHash.delete(key)
    return ticket !== undefined && ticket.expiresAtMs > this.#nowMs() ? ticket.session : null
  }

  // All live equally long, so the oldest come first.
  #forgetExpired(): void {
    const now = this.#nowMs()
    for (const [key, ticket] of this.#ticketByHash) {
      if (ticket.expiresAtMs > now) return
      this.#ticketByHash.delete(key)
    }
  }

  #forgetOldest(): void {
    const oldest = this.#ticketByHash.keys().next()
    if (oldest.done !== true) this.#ticketByHash.delete(oldest.value)
  }
}

const TICKET = z.object({
  team: z.string(),
  user: z.string(),
  login: z.string(),
  secret: z.string(),
  endsAt: z.number().nullable(),
  expiresAt: z.number(),
})

/** Socket tokens that every hub of a team takes. */
export class SharedTickets implements TicketOffice {
  readonly #passes: Passes

  constructor(passes: Passes) {
    this.#passes = passes
  }

  async issue(session: Session): Promise<string> {
    const secret = newTicket()
    const expiresAt = Date.now() + TICKET_TTL_S * 1_000
    await this.#passes.put(`ticket.${keyOf(secret)}`, JSON.stringify({ ...session, expiresAt }))
    return secret
  }

  async redeem(secret: string): Promise<Session | null> {
    const text = await this.#passes.take(`ticket.${keyOf(secret)}`)
    if (text === null) return null
    const { expiresAt, ...session } = TICKET.parse(JSON.parse(text))
    return expiresAt > Date.now() ? session : null
  }
}

function keyOf(secret: string): string {
  return hashSecret(secret).toString('hex')
}
