/**
 * The hub: takes events and commits from the teams' links, makes them durable, acknowledges them, passes them on.
 * Longer than usual: it is where the parts are put together, started and stopped.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { SnapshotFrame } from '../contracts/wire/frames.ts'
import { LEDGER_FEATURES } from '../contracts/wire/ledger-frame.ts'
import { systemCode } from '../errors.ts'
import { parseHubUrl } from '../project/login/hub-url.ts'
import { within } from '../project/within.ts'
import { refuse, refuseRaw } from './http/answer.ts'
import { assemble } from './assemble.ts'
import type { HubParts } from './assemble.ts'
import type { NatsOptions } from './nats/connect.ts'
import { guardRequest, hostInUrl } from './access/guard.ts'
import type { Reach, Refusal } from './access/guard.ts'
import {
  PING_INTERVAL_MS,
  REQUEST_TIMEOUT_MS,
  STOP_FLUSH_MS,
  STOP_HTTP_MS,
  STOP_PEERS_MS,
  TOKEN_LOOK_MS,
} from './limits.ts'
import {
  addressRefused,
  createHttpServer,
  createSocketServer,
  listenError,
} from './http/listeners.ts'
import { hubLog } from './log.ts'
import type { HubLog } from './log.ts'
import { Peer } from './links/peer.ts'
import { Peers } from './links/peers.ts'
import { AWAY, BATCH_LIMITS, SOCKET_PATH, visit } from './http/routes.ts'
import { HubStore } from './data/store.ts'
import type { Guest } from './access/sessions.ts'
import type { Session } from './access/tickets.ts'
import { checkHolder } from './access/tokens.ts'

export type HubOptions = {
  /** Holds `hub.db`; made where it is missing. One hub at a time serves it. */
  readonly dataDir: string
  /** Default 127.0.0.1. Any other machine can reach the hub only when this says so. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Where others reach it through a proxy that speaks TLS for it: https, or http on loopback. */
  readonly publicUrl?: string
  /** Shares its log with the other hubs that name these servers; alone where it is left out. */
  readonly nats?: NatsOptions
  /** How long events and commits are kept, in milliseconds; for ever where it is left out. */
  readonly keepMs?: number
  /** Default 15,000. A peer that owes two answers is cut off. */
  readonly pingIntervalMs?: number
  /** Default 10,000. How long a request may take to come in. */
  readonly requestTimeoutMs?: number
  /** Gets one JSON object a line; no names, no addresses, no content. */
  readonly log?: (line: string) => void
}

export type Hub = {
  readonly url: string
  readonly port: number
  /**
   * A link to the dashboard that lets one browser in, once and within ten minutes.
   *
   * @throws InputError HUB_TEAM_INVALID, HUB_USER_INVALID
   * @throws LinkError HUB_AWAY
   */
  invite(guest: Guest): Promise<string>
  /** Answers what came, closes all connections and the store, within three seconds. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const DEFAULT_HOST = '127.0.0.1'

/**
 * Serves until stopped.
 *
 * @throws LinkError HUB_DATA_IN_USE, HUB_DATA_UNUSABLE, HUB_DATA_NEWER, HUB_PORT_IN_USE, HUB_ADDRESS_REFUSED, HUB_URL
 */
export async function serveHub(options: HubOptions): Promise<Hub> {
  const { host = DEFAULT_HOST, port = 0, pingIntervalMs = PING_INTERVAL_MS } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || host === '') throw addressRefused()
  const { publicUrl: said } = options
  const publicUrl = said === undefined ? null : new URL(parseHubUrl(said))
  const { nats = null, keepMs = null } = options
  const store = new HubStore(options.dataDir, nats === null ? 'own' : 'shared')
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const place = { dataDir: options.dataDir, store, nats, keepMs, reach: { host, publicUrl } }
  const hub = new RunningHub(place, requestTimeoutMs, hubLog(options.log))
  try {
    await hub.listen(port, pingIntervalMs)
    return hub
  } catch (error) {
    await hub.stop()
    throw error
  }
}

type Place = {
  readonly dataDir: string
  readonly store: HubStore
  readonly nats: NatsOptions | null
  readonly keepMs: number | null
  readonly reach: Omit<Reach, 'port'>
}

class RunningHub implements Hub {
  readonly #reach: Omit<Reach, 'port'>
  readonly #log: HubLog
  readonly #store: HubStore
  readonly #hub: HubParts
  readonly #peers = new Peers()
  readonly #server: Server
  readonly #sockets: WebSocketServer
  readonly #timers: NodeJS.Timeout[] = []
  #port = 0
  #connections = 0
  #stopping: Promise<void> | null = null

  constructor(place: Place, requestTimeoutMs: number, log: HubLog) {
    const { store, reach } = place
    this.#reach = reach
    this.#log = log
    this.#store = store
    this.#hub = assemble({ ...place, peers: this.#peers, publicUrl: reach.publicUrl, log })
    this.#server = createHttpServer(requestTimeoutMs)
    this.#sockets = createSocketServer()
    this.#server.on('request', (request, response) => this.#answer(request, response))
    this.#server.on('upgrade', (request, wire, head) => this.#upgrade(request, wire, head))
  }

  /** The port that was got; it stays readable after the stop. */
  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://${hostInUrl(this.#reach.host)}:${this.port}`
  }

  async invite(guest: Guest): Promise<string> {
    checkHolder(guest.team, guest.user)
    const base = this.#reach.publicUrl?.href ?? this.url
    // In a fragment, which no server and no log gets to see.
    return `${base.replace(/\/$/, '')}/#code=${await this.#hub.desk.sessions.invite(guest)}`
  }

  async listen(port: number, pingIntervalMs: number): Promise<void> {
    await this.#hub.start()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error)))
      this.#server.listen({ host: this.#reach.host, port }, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => {
          this.#log('server_failed', { code: systemCode(error) ?? 'unknown' })
        })
        this.#port = (this.#server.address() as AddressInfo).port
        this.#timers.push(
          setInterval(() => this.#peers.pingAll(), pingIntervalMs),
          setInterval(() => this.#lookAtTokens(), TOKEN_LOOK_MS),
        )
        this.#log('listening', { port: this.#port })
        resolve()
      })
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('finish', () => {
      this.#hub.peerParts.metrics.answered.add(String(response.statusCode))
    })
    const refusal = this.#guard(request)
    if (refusal !== null) return refuse(response, refusal, { Connection: 'close' })
    visit(this.#hub.desk, request, response).catch((error: unknown) => {
      this.#log('request_failed', { code: systemCode(error) ?? 'unknown' })
      refuse(response, STORE_FAILED, { Connection: 'close' })
    })
  }

  #guard(request: IncomingMessage): Refusal | null {
    if (this.#stopping !== null) return STOPPING
    const isBehind = this.#hub.backend.state === 'behind'
    if (isBehind && !ALWAYS.has(request.url ?? '')) return AWAY
    return guardRequest(request, { ...this.#reach, port: this.#port })
  }

  // Tokens are changed by other processes; who holds a connection by one is told here, and the other hubs.
  #lookAtTokens(): void {
    const failed = (error: unknown): void => {
      this.#log('token_look_failed', { code: systemCode(error) ?? 'unknown' })
    }
    try {
      this.#peers.shutEnded((session) => this.#hub.desk.logins.isGood(session))
      this.#hub.backend.shared?.tell().catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #upgrade(request: IncomingMessage, wire: Duplex, head: Buffer): void {
    // Until the WebSocket is there, nobody else listens for the errors of this socket.
    wire.on('error', destroy)
    const refusal = this.#guard(request)
    if (refusal !== null) return refuseRaw(wire, refusal)
    if (request.url !== SOCKET_PATH) return refuseRaw(wire, NO_SOCKET)
    this.#letIn(request, wire, head).catch(() => refuseRaw(wire, AWAY))
  }

  async #letIn(request: IncomingMessage, wire: Duplex, head: Buffer): Promise<void> {
    const { session, refusal: stranger } = await this.#hub.desk.logins.ofUpgrade(request)
    if (stranger !== null) return refuseRaw(wire, stranger)
    if (this.#stopping !== null) return refuseRaw(wire, STOPPING)
    const room = this.#peers.room(session)
    if (room !== 'free') return refuseRaw(wire, room === 'hub_full' ? HUB_FULL : LOGIN_FULL)
    this.#sockets.handleUpgrade(request, wire, head, (socket) => this.#join(socket, wire, session))
  }

  #join(socket: WebSocket, wire: Duplex, session: Session): void {
    wire.off('error', destroy)
    const number = ++this.#connections
    const peer = new Peer({ number, session, socket, wire, parts: this.#hub.peerParts })
    socket.on('error', (error) => {
      this.#log('peer_failed', { peer: number, code: systemCode(error) ?? 'unknown' })
    })
    socket.on('close', (code) => {
      this.#peers.remove(peer)
      this.#hub.peerParts.awareness.leave(peer)
      this.#hub.peerParts.metrics.countClosed(code)
      this.#log('peer_closed', { peer: number, code, bad_frames: peer.badFrames })
    })
    this.#peers.add(peer)
    this.#log('peer_opened', { peer: number })
    const snapshot: SnapshotFrame = {
      type: 'snapshot',
      work_packages: [],
      epoch: this.#store.epoch.id,
      limits: BATCH_LIMITS,
      features: FEATURES,
    }
    peer.outflow.send([JSON.stringify(snapshot)])
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#peers.refuseAll()
    const flushed = this.#hub.intake.flushAll()
    this.#hub.peerParts.awareness.close()
    // Requests that were let in are answered; what they bring is stored meanwhile.
    await within(flushed, STOP_FLUSH_MS)
    await within(Promise.all([this.#peers.shutAll(), closed]), STOP_PEERS_MS)
    await within(this.#hub.intake.flushAll(), STOP_FLUSH_MS)
    this.#hub.intake.close()
    await this.#hub.backend.close()
    // Requests that never end, and answers that nobody reads.
    this.#server.closeAllConnections()
    await within(closed, STOP_HTTP_MS)
    this.#store.close()
    this.#log('stopped')
  }
}

function destroy(this: Duplex): void {
  this.destroy()
}

/** What a client may use on a connection. */
const FEATURES = ['event_batches', 'subscriptions', 'presence', ...LEDGER_FEATURES]

/** What a hub answers that has nothing to show yet. */
const ALWAYS: ReadonlySet<string> = new Set(['/health', '/readyz', '/metrics'])

const STORE_FAILED = { status: 500, code: 'STORE_FAILED', message: 'the store failed; try again' }
const STOPPING = { status: 503, code: 'STOPPING', message: 'the hub stops' }
const NO_SOCKET = { status: 404, code: 'NOT_FOUND', message: 'no such socket' }
const HUB_FULL = { status: 503, code: 'HUB_FULL', message: 'the hub has no room for a connection' }
const LOGIN_FULL = {
  status: 429,
  code: 'TOO_MANY_SOCKETS',
  message: 'this token has too many sockets',
}
