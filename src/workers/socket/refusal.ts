/** What a hub's "no" means for the next attempt: one table for HTTP answers, upgrades and close codes. */
import { isJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { KittiwakeError, LinkError, errorToWire } from '../../errors.ts'
import type { CloseClass, SocketAnswer, SocketFact } from './protocol.ts'

export type Refusal = {
  readonly error: KittiwakeError
  readonly class: CloseClass
  /** As the hub asked for it, capped. */
  readonly retryAfterMs?: number
}

const HUB_WORDS_MAX = 240
const CHECK_LOGIN = 'Run `kittiwake auth login` with a token of this hub.'
const CHECK_URL = 'Check the hub in `kittiwake auth status`: is it the hub itself, up to date?'

/** The refusal that a status outside 2xx (or a useless 2xx) stands for. */
export function refuseStatus(status: number, retryAfterMs: number | null): Refusal {
  const text = `the hub answered with status ${status}`
  if (status === 401) return refuse('NOT_AUTHENTICATED', text, 'unauthenticated', CHECK_LOGIN)
  if (status === 403) return refuse('HUB_FORBIDDEN', text, 'refused', CHECK_LOGIN)
  if (status === 404 || status === 426) return refuse('HUB_PROTOCOL', text, 'refused', CHECK_URL)
  // Never followed: the token must not travel to where a Location points.
  if (status >= 300 && status < 400) return refuse('HUB_REDIRECT', text, 'refused', CHECK_URL)
  if (status === 429 || status === 503) {
    const refusal = refuse('HUB_BUSY', text, 'transient')
    return retryAfterMs === null ? refusal : { ...refusal, retryAfterMs }
  }
  if (status === 408 || status >= 500) return refuse('HUB_UNREACHABLE', text, 'transient')
  return refuse('HUB_PROTOCOL', text, 'transient', CHECK_URL)
}

/** The hub speaks another protocol than we do, and says in its own words what helps. */
export function refuseProtocol(body: JsonObject | null): Refusal {
  const protocol = body?.['sync_protocol']
  const guidance = isJsonObject(protocol) ? protocol['upgrade_guidance'] : undefined
  const said = wordsOf(guidance ?? body?.['error_description'])
  const hint = said === '' ? CHECK_URL : `The hub says: ${said}`
  return refuse('PROTOCOL_MISMATCH', 'the hub wants another protocol', 'refused', hint)
}

/** What a hub wrote, to be shown: bounded, and without anything that could steer a terminal. */
export function wordsOf(text: unknown): string {
  if (typeof text !== 'string') return ''
  return text.slice(0, HUB_WORDS_MAX).replace(/[^\x20-\x7e]/g, '?')
}

/** A certificate fault needs a change at the hub; all other network faults pass by themselves. */
export function refuseNetwork(cause: 'network' | 'tls' | 'timeout' | 'aborted'): Refusal {
  if (cause === 'tls') {
    return refuse('HUB_TLS', "the hub's certificate is not trusted", 'refused', CHECK_URL)
  }
  if (cause === 'aborted') return refuse('LINK_CLOSED', 'the link was closed', 'transient')
  return refuse('HUB_UNREACHABLE', `the hub can't be reached (${cause})`, 'transient')
}

export function refuse(
  code: string,
  message: string,
  closeClass: CloseClass,
  hint?: string,
): Refusal {
  const retryable = closeClass === 'transient'
  const options = hint === undefined ? { retryable } : { retryable, hint }
  return { error: new LinkError(code, message, options), class: closeClass }
}

/** 4401 and 4403 are the hub's own codes for a token that ran out and a user who must go. */
export function classOfCloseCode(code: number): CloseClass {
  if (code === 4401) return 'unauthenticated'
  return code === 4403 ? 'refused' : 'transient'
}

export function answerOfRefusal(refusal: Refusal): SocketAnswer {
  return { type: 'socket.refused', ...wireOf(refusal) }
}

export function factOfHalt(connection: number, refusal: Refusal): SocketFact {
  return { type: 'socket.halted', connection, ...wireOf(refusal) }
}

function wireOf({ error, class: closeClass, retryAfterMs }: Refusal) {
  return {
    error: errorToWire(error),
    class: closeClass,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}
