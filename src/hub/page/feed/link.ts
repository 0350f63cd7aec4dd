/**
 * The one WebSocket: it follows a project, goes on after what was seen, and opens again when it was lost, for as long as the
 * page is there. The socket token stands among the protocols, because a browser can set no header.
 */
import { type Api, ApiFault } from './api.ts'
import type { Frame, Subscribed } from '../model/types.ts'

export type LinkState = 'connecting' | 'live' | 'lost'

export type LinkOptions = {
  readonly api: Api
  /** What is followed, and from where on. */
  readonly place: () => {
    readonly project: string
    readonly epoch: string | null
    readonly seq: number
  } | null
  readonly subscribed: (frame: Subscribed) => void
  readonly frame: (frame: Frame) => void
  /** Something came of a project that is not followed. */
  readonly elsewhere: (project: string) => void
  readonly changed: () => void
  /** The login has ended. */
  readonly ended: () => void
}

const SUBPROTOCOL = 'kittiwake.hub.1'
const TOKEN_ENDED = 4401
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 5_000
/** The hub asks for a sign of life every 15 s; a socket on which nothing comes is dead. */
const SILENCE_MS = 45_000

export class Link {
  readonly #options: LinkOptions
  #socket: WebSocket | null = null
  #tries = 0
  #state: LinkState = 'connecting'
  #followed: string | null = null
  #silence: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  get state(): LinkState {
    return this.#state
  }

  async open(): Promise<void> {
    let ticket: string
    try {
      const { ws_token } = await this.#options.api.post<{ readonly ws_token: string }>('ws-token')
      ticket = ws_token
    } catch (error) {
      if (error instanceof ApiFault && error.status === 401) return this.#options.ended()
      return this.#later()
    }
    if (this.#isStopped) return
    const url = new URL('./api/v1/ws', location.href)
    url.hash = ''
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url, [SUBPROTOCOL, `ticket.${ticket}`])
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket && typeof data === 'string') this.#take(JSON.parse(data) as Frame)
    })
    socket.addEventListener('close', ({ code }) => {
      if (socket === this.#socket) this.#closed(code)
    })
  }

  /** Follows what is now to be followed; what was followed before is not any more. */
  follow(): void {
    const place = this.#options.place()
    const before = this.#followed
    if (before !== null && before !== place?.project) {
      this.#send({ type: 'unsubscribe', project_uuid: before })
    }
    this.#followed = place?.project ?? null
    if (place === null) return
    const { project, epoch, seq } = place
    const known = epoch === null ? {} : { epoch, after_seq: seq }
    this.#send({ type: 'subscribe', project_uuid: project, ...known })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#silence)
    this.#socket?.close()
    this.#socket = null
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame))
  }

  #take(frame: Frame): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#socket?.close(), SILENCE_MS)
    if (frame.type === 'ping') return this.#send({ type: 'pong', timestamp: frame.timestamp })
    if (frame.type === 'snapshot') {
      this.#tries = 0
      this.#followed = null
      this.#become('live')
      return this.follow()
    }
    if ('project_uuid' in frame && frame.project_uuid !== this.#followed) {
      return this.#options.elsewhere(frame.project_uuid)
    }
    if (frame.type === 'subscribed') this.#options.subscribed(frame)
    else this.#options.frame(frame)
  }

  #closed(code: number): void {
    this.#socket = null
    clearTimeout(this.#silence)
    if (code === TOKEN_ENDED) return this.#options.ended()
    this.#later()
  }

  #later(): void {
    if (this.#isStopped) return
    this.#tries += 1
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.#tries - 1), LONGEST_WAIT_MS)
    setTimeout(() => void this.open(), wait)
    this.#become('lost')
  }

  #become(state: LinkState): void {
    this.#state = state
    this.#options.changed()
  }
}
