/** A hub of a real HTTP and WebSocket server on loopback that does to the link whatever the test's script says. */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { Link } from '#dist/workers/socket/link.js'
import type { LinkOptions } from '#dist/workers/socket/link.js'
import type { SocketFact } from '#dist/workers/socket/protocol.js'

export const TOKEN = 'kw_test_token_0123456789'
export const TICKET = 'ticket_0123456789abcdef'
export const SNAPSHOT = { type: 'snapshot', work_packages: [] }

/** Of a hub that takes array frames. */
export const ARRAYS = { ...SNAPSHOT, epoch: 'epoch-1', features: ['event_batches'] }

export type Frame = { readonly [key: string]: unknown }

/** What was posted, inflated and read. */
export type Batch = { readonly ids: readonly string[]; readonly bytes: number }

export type Script = {
  /** Default: a good ticket. */
  readonly token?: (request: IncomingMessage, response: ServerResponse, hub: ScriptedHub) => void
  /** Default: not there. */
  readonly health?: (response: ServerResponse) => void
  /** Default: not there. */
  readonly batch?: (batch: Batch, response: ServerResponse) => void
  /** Default: a WebSocket upgrade. */
  readonly upgrade?: (socket: Duplex, request: IncomingMessage) => void
  /** Default: the snapshot. */
  readonly greet?: (peer: WebSocket) => void
  readonly frame?: (frame: Frame, peer: WebSocket, text: string) => void
}

export class ScriptedHub {
  readonly frames: Frame[] = []
  readonly texts: string[] = []
  readonly batches: Batch[] = []
  readonly batchHeaders: IncomingMessage['headers'][] = []
  readonly tokenRequests: { headers: IncomingMessage['headers']; body: string }[] = []
  readonly upgrades: IncomingMessage[] = []
  readonly sockets = new Set<Socket>()
  script: Script
  peer: WebSocket | null = null
  port = 0
  readonly #server: Server
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 })

  private constructor(script: Script) {
    this.script = script
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.sockets.delete(socket))
    })
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.upgrades.push(request)
      if (this.script.upgrade !== undefined) return this.script.upgrade(socket, request)
      this.#webSockets.handleUpgrade(request, socket, head, (peer) => this.#greet(peer))
    })
  }

  static async start(script: Script = {}): Promise<ScriptedHub> {
    const hub = new ScriptedHub(script)
    await new Promise<void>((resolve) => hub.#server.listen(0, '127.0.0.1', resolve))
    hub.port = (hub.#server.address() as AddressInfo).port
    return hub
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get ticket(): { ws_token: string; ws_url: string; expires_in: number; session_id: string } {
    const ws_url = `ws://127.0.0.1:${this.port}/ws`
    return { ws_token: TICKET, ws_url, expires_in: 60, session_id: 'session' }
  }

  send(frame: unknown): void {
    this.peer?.send(JSON.stringify(frame))
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      if (request.url === '/api/v1/sync/health/') return this.#tellHealth(response)
      if (request.url === '/api/v1/events/batch/') return this.#take(request, body, response)
      this.tokenRequests.push({ headers: request.headers, body: body.toString('utf8') })
      if (this.script.token !== undefined) return this.script.token(request, response, this)
      reply(response, 200, JSON.stringify(this.ticket))
    })
  }

  #tellHealth(response: ServerResponse): void {
    if (this.script.health === undefined) reply(response, 404)
    else this.script.health(response)
  }

  #take(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    if (this.script.batch === undefined) return reply(response, 404)
    const text = gunzipSync(body).toString('utf8')
    const batch = { ids: idsOf(JSON.parse(text) as Frame), bytes: Buffer.byteLength(text) }
    this.batches.push(batch)
    this.batchHeaders.push(request.headers)
    this.script.batch(batch, response)
  }

  #greet(peer: WebSocket): void {
    this.peer = peer
    peer.on('error', () => peer.terminate())
    peer.on('message', (data: Buffer) => {
      const text = data.toString('utf8')
      const frame = JSON.parse(text) as Frame
      this.texts.push(text)
      this.frames.push(frame)
      this.script.frame?.(frame, peer, text)
    })
    if (this.script.greet === undefined) peer.send(JSON.stringify(SNAPSHOT))
    else this.script.greet(peer)
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body = '',
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(body)
}

/** The health of a hub that takes batches, with what it advertises. */
export function healthOf(limits: object = {}): string {
  return JSON.stringify({ status: 'ok', protocol: '2.0', epoch: 'e1', sync_ingress: { limits } })
}

/** The answer to a batch of which all is stored. */
export function resultsOf(ids: readonly string[], status = 'success'): string {
  return JSON.stringify({ results: ids.map((event_id) => ({ event_id, status })) })
}

/** The facts of a link as they come, each to be awaited by type. */
export class Facts {
  readonly seen: SocketFact[] = []
  #waiting: { type: string; resolve: (fact: SocketFact) => void }[] = []

  readonly emit = (fact: SocketFact): void => {
    this.seen.push(fact)
    const due = this.#waiting.filter((waiting) => waiting.type === fact.type)
    this.#waiting = this.#waiting.filter((waiting) => waiting.type !== fact.type)
    for (const waiting of due) waiting.resolve(fact)
  }

  /** The first fact of that type, also one that has come already. */
  first<Type extends SocketFact['type']>(type: Type): Promise<Extract<SocketFact, { type: Type }>> {
    type Fact = Extract<SocketFact, { type: Type }>
    const fact = this.seen.find((one) => one.type === type)
    if (fact !== undefined) return Promise.resolve(fact as Fact)
    return this.next(type)
  }

  /** The next fact of that type. */
  next<Type extends SocketFact['type']>(type: Type): Promise<Extract<SocketFact, { type: Type }>> {
    type Fact = Extract<SocketFact, { type: Type }>
    return new Promise((resolve) => {
      this.#waiting.push({ type, resolve: (fact) => resolve(fact as Fact) })
    })
  }

  count(type: SocketFact['type']): number {
    return this.seen.filter((fact) => fact.type === type).length
  }
}

export function linkTo(
  hub: { url: string },
  facts: Facts,
  options: Partial<LinkOptions> = {},
): Link {
  return new Link({
    login: () => ({
      state: 'present',
      login: {
        hub: hub.url,
        token: TOKEN,
        team_slug: 'harbour',
        id: 'a login',
        token_store: 'file',
      },
    }),
    granted: () => true,
    emit: facts.emit,
    ...options,
  })
}

/** The event ids of an array frame; none of another frame. */
export function idsOf(frame: Frame): string[] {
  const events = (frame['events'] ?? []) as { event_id: string }[]
  return events.map((event) => event.event_id)
}

/** The acks of one array frame, as an honest hub writes them. */
export function acksOf(frame: Frame): Frame {
  const ids = idsOf(frame)
  const [through, last_event_id] = [frame['batch'], ids.at(-1)]
  return { type: 'acks', through, last_event_id, count: ids.length, rejected: [] }
}

/** Authenticates, opens and waits for the snapshot. */
export async function goLive(link: Link, facts: Facts): Promise<number> {
  const greeted = facts.next('socket.snapshot')
  await link.authenticate()
  const opened = await link.open()
  if (opened.type !== 'socket.opened') throw new Error(`not opened: ${JSON.stringify(opened)}`)
  await greeted
  return opened.connection
}

export const PROJECT = '7d4f3a52-1c89-4e0b-9a6d-2f5e8b7c9d10'

/** A stored event body, as the outbox hands it out. */
export function eventItem(index: number, projectUuid = PROJECT) {
  const id = `01J0000000000000000${String(index).padStart(7, '0')}`
  const frame = JSON.stringify({
    aggregate_id: 'a',
    build_id: 'b',
    event_id: id,
    event_type: 'NoteTaken',
    lamport_clock: index,
    payload: {},
    project_uuid: projectUuid,
    timestamp: '2026-01-01T00:00:00+00:00',
  })
  return { id, projectUuid, frame }
}

/** The same of a work package, as its kind of event. */
export function packageItem(index: number, event_type: string, wp_id: string) {
  const item = eventItem(index)
  const event = JSON.parse(item.frame) as object
  return { ...item, frame: JSON.stringify({ ...event, event_type, payload: { wp_id } }) }
}

export const BUILD = '11111111-2222-4333-8444-555555555555'

/** A LocalCommit frame, as sync state holds it. */
export function commitItem(index: number, projectUuid = PROJECT) {
  const id = String(index).padStart(40, '0')
  const frame = JSON.stringify({
    build_id: BUILD,
    changed_files: ['kitty-specs/m/decisions.events.jsonl'],
    committed_at: '2026-01-01T00:00:00+00:00',
    git_hash: id,
    mission_id: '01J0000000000000000000MISS',
    project_uuid: projectUuid,
    type: 'LocalCommit',
  })
  return { id, projectUuid, frame }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
