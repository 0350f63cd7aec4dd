/** The window's connection to its server: greets, goes on where it was, asks, and comes again when it was lost. */
import type { Ask, Drawing, EventFate, Welcome } from '../../client-protocol.ts'
import type { FeedMessage } from '../../protocol.ts'
import { readMessage } from '../model/entry.ts'
import { Intake } from './intake.ts'

export type LinkState =
  | { readonly kind: 'connecting' | 'reading' | 'open' | 'ended' }
  /** Tries again at this time of `performance.now()`. */
  | { readonly kind: 'lost'; readonly tries: number }
  /** Only a new link helps. */
  | { readonly kind: 'refused' }

export type LinkOptions = {
  readonly secret: string
  readonly welcome: (welcome: Welcome) => void
  readonly message: (message: FeedMessage, line: string) => void
  /** Something has changed: the state, or messages came. */
  readonly changed: () => void
}

export type Answer =
  | { readonly ok: true; readonly drawing?: Drawing; readonly fate?: EventFate }
  | {
      readonly ok: false
      readonly error: { readonly code: string; readonly message: string; readonly hint?: string }
    }

type Question = Ask extends infer One ? (One extends Ask ? Omit<One, 'type' | 'id'> : never) : never

const PROTOCOL = 1
const SUBPROTOCOL = 'kittiwake.inspect.1'
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 5_000
/** Then the server is most likely gone, and says nothing because of it. */
const TRIES_MAX = 12
const LINK_NEEDED = 4401
const NOT_UNDERSTOOD = 1008
const LOST: Answer = {
  ok: false,
  error: { code: 'LINK_LOST', message: 'the connection was lost before the answer' },
}

export class Link {
  readonly #options: LinkOptions
  readonly #intake: Intake
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #socket: WebSocket | null = null
  #state: LinkState = { kind: 'connecting' }
  #session: string | null = null
  #seq = 0
  #expected = 0
  #asks = 0
  #tries = 0

  constructor(options: LinkOptions) {
    this.#options = options
    this.#intake = new Intake({
      take: (value, line) => this.#take(value, line),
      rest: (waiting) => this.#rest(waiting),
    })
  }

  get state(): LinkState {
    return this.#state
  }

  /** Number of the last message, and of the last that was there at the welcome. */
  get progress(): { readonly read: number; readonly expected: number } {
    return { read: this.#seq, expected: this.#expected }
  }

  open(): void {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(`${scheme}//${location.host}/feed`, [
      SUBPROTOCOL,
      `session.${this.#options.secret}`,
    ])
    this.#socket = socket
    socket.addEventListener('open', () => this.#greet(socket))
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#intake.push(data)
    })
    socket.addEventListener('close', ({ code }) => this.#closed(code))
  }

  /** Never rejects; an answer that can't come is a refusal. */
  ask(question: Question): Promise<Answer> {
    const socket = this.#socket
    if (socket === null || socket.readyState !== WebSocket.OPEN) return Promise.resolve(LOST)
    this.#asks += 1
    const id = this.#asks
    socket.send(JSON.stringify({ type: 'kittiwake.ask', id, ...question }))
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }

  #greet(socket: WebSocket): void {
    const place = this.#session === null ? {} : { session: this.#session, after: this.#seq }
    socket.send(JSON.stringify({ type: 'kittiwake.hello', protocol: PROTOCOL, ...place }))
  }

  #take(value: unknown, line: string): void {
    const message = readMessage(value)
    if (message !== null) {
      this.#seq = message.seq
      this.#options.message(message, line)
    } else if (isOf(value, 'kittiwake.welcome')) this.#welcome(value as Welcome)
    else if (isOf(value, 'kittiwake.answer'))
      this.#answer(value as Answer & { readonly id: number })
  }

  #welcome(welcome: Welcome): void {
    this.#tries = 0
    this.#session = welcome.session
    this.#expected = welcome.lastSeq
    if (!welcome.resumed) this.#seq = 0
    this.#options.welcome(welcome)
    this.#become({ kind: this.#seq < this.#expected ? 'reading' : 'open' })
  }

  #answer(answer: Answer & { readonly id: number }): void {
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }

  #rest(waiting: number): void {
    if (this.#state.kind === 'reading' && waiting === 0 && this.#seq >= this.#expected) {
      this.#state = { kind: 'open' }
    }
    this.#options.changed()
  }

  #closed(code: number): void {
    this.#socket = null
    for (const resolve of this.#waiting.values()) resolve(LOST)
    this.#waiting.clear()
    if (code === LINK_NEEDED || code === NOT_UNDERSTOOD) return this.#become({ kind: 'refused' })
    this.#tries += 1
    if (this.#tries > TRIES_MAX) return this.#become({ kind: 'ended' })
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.#tries - 1), LONGEST_WAIT_MS)
    setTimeout(() => this.open(), wait)
    this.#become({ kind: 'lost', tries: this.#tries })
  }

  #become(state: LinkState): void {
    this.#state = state
    this.#options.changed()
  }
}

function isOf(value: unknown, type: string): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === type
}
