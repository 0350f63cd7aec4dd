/**
 * One connection: reads its frames, keeps what it is owed within bounds, and knows whether it still lives.
 * Every answer goes through the intake, so that answers come in the order of the frames. Longer than usual: it
 * is the one owner of its socket.
 */
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { readClientFrame } from '../contracts/frames.ts'
import type { ClientReading, EventFrame, LocalCommit } from '../contracts/frames.ts'
import { withoutMembers } from './body.ts'
import { BAD_FRAMES_MAX, PEER_BUFFER_BYTES_MAX, PINGS_MISSED_MAX } from './limits.ts'
import { refusal } from './replies.ts'
import type { CommitEntry, EventEntry } from './store.ts'
import type { Session } from './tickets.ts'

/** What a connection brings: something to store, or only something to be told, in its place in the order. */
export type Arrival =
  | { readonly peer: Peer; readonly entry: EventEntry }
  | { readonly peer: Peer; readonly entry: CommitEntry; readonly frame: LocalCommit }
  | { readonly peer: Peer; readonly reply: string }

export type PeerOptions = {
  readonly number: number
  readonly session: Session
  readonly socket: WebSocket
  /** The socket below, to write many frames at once. */
  readonly wire: Duplex
  readonly deliver: (arrival: Arrival) => void
}

/** Why this side closes a connection; RFC 6455 and the IANA registry. */
export const CLOSE = {
  goingAway: 1001,
  unsupportedData: 1003,
  policyViolation: 1008,
  internalError: 1011,
  tryAgainLater: 1013,
} as const

const EVENT_TRANSPORT_KEYS: ReadonlySet<string> = new Set([
  'type',
  'spec_kitty_delivery_identity',
  'admission_generation',
  'binding_audience',
])
const COMMIT_TRANSPORT_KEYS: ReadonlySet<string> = new Set(
  [...EVENT_TRANSPORT_KEYS].filter((key) => key !== 'type'),
)

export class Peer {
  readonly number: number
  readonly session: Session
  readonly #socket: WebSocket
  readonly #wire: Duplex
  readonly #deliver: (arrival: Arrival) => void
  #accepting = true
  #badFrames = 0
  #unansweredPings: string[] = []
  #backlog: Buffer[] = []
  #backlogBytes = 0

  constructor({ number, session, socket, wire, deliver }: PeerOptions) {
    this.number = number
    this.session = session
    this.#socket = socket
    this.#wire = wire
    this.#deliver = deliver
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
  }

  get badFrames(): number {
    return this.#badFrames
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#accepting) return
    if (isBinary) return this.shut(CLOSE.unsupportedData, 'text frames only')
    // The server keeps the default binary type, under which a message is one buffer.
    const text = (data as Buffer).toString('utf8')
    const reading = readClientFrame(text)
    switch (reading.kind) {
      case 'event':
        return this.#receiveEvent(reading.frame, text)
      case 'commit':
        return this.#receiveCommit(reading.frame, text)
      case 'pong':
        return this.#receivePong(reading.frame.timestamp)
      default:
        return this.#refuse(reading)
    }
  }

  #receiveEvent(frame: EventFrame, text: string): void {
    const { event_id, project_uuid, node_id, lamport_clock } = frame
    const body = withoutMembers(text, EVENT_TRANSPORT_KEYS)
    if (body === null) {
      return this.#refuse({ kind: 'invalid', category: 'invalid_event', event_id, git_hash: null })
    }
    const { team } = this.session
    const ids = { team, event_id, project_uuid, node_id, lamport_clock }
    this.#deliver({ peer: this, entry: { kind: 'event', ...ids, body } })
  }

  #receiveCommit(frame: LocalCommit, text: string): void {
    const { project_uuid, git_hash } = frame
    const body = withoutMembers(text, COMMIT_TRANSPORT_KEYS)
    if (body === null) {
      return this.#refuse({ kind: 'invalid', category: 'invalid_frame', event_id: null, git_hash })
    }
    const { team } = this.session
    this.#deliver({
      peer: this,
      entry: { kind: 'commit', team, project_uuid, git_hash, body },
      frame,
    })
  }

  // Only the echo of a ping proves that the other side reads what is sent.
  #receivePong(timestamp: string): void {
    if (this.#unansweredPings.includes(timestamp)) this.#unansweredPings = []
    else this.#countBadFrame()
  }

  #refuse({ category, event_id, git_hash }: Extract<ClientReading, { kind: 'invalid' }>): void {
    this.#countBadFrame()
    this.#deliver({ peer: this, reply: refusal(category, { event_id, git_hash }) })
  }

  #countBadFrame(): void {
    this.#badFrames += 1
    if (this.#badFrames > BAD_FRAMES_MAX) this.shut(CLOSE.policyViolation, 'too many bad frames')
  }

  /** Writes answers, all at once. */
  send(frames: readonly string[]): void {
    if (!this.#isOpen() || this.#isSlow()) return
    this.#wire.cork()
    for (const frame of frames) this.#socket.send(frame)
    this.#wire.uncork()
  }

  /** Queues what others of the team shall see; false when this peer reads too slowly and is closed for it. */
  offer(frame: Buffer): boolean {
    if (!this.#isOpen()) return true
    if (this.#isSlow()) return false
    this.#backlog.push(frame)
    this.#backlogBytes += frame.length
    return true
  }

  /** Writes what was offered, until done or until the deadline; true when nothing is left. */
  pump(deadlineMs: number): boolean {
    if (this.#isOpen()) {
      this.#wire.cork()
      let sent = 0
      for (const frame of this.#backlog) {
        this.#socket.send(frame, { binary: false })
        this.#backlogBytes -= frame.length
        sent += 1
        if (performance.now() >= deadlineMs) break
      }
      this.#backlog.splice(0, sent)
      this.#wire.uncork()
      return this.#backlog.length === 0
    }
    this.#backlog = []
    return true
  }

  #isSlow(): boolean {
    if (this.#socket.bufferedAmount + this.#backlogBytes <= PEER_BUFFER_BYTES_MAX) return false
    this.shut(CLOSE.tryAgainLater, 'reads too slowly')
    return true
  }

  /** Asks for a sign of life; a peer that owes too many answers is cut off. */
  ping(): void {
    if (!this.#isOpen() || this.#socket.isPaused) return
    if (this.#unansweredPings.length >= PINGS_MISSED_MAX) return this.#socket.terminate()
    const timestamp = new Date().toISOString()
    this.#unansweredPings.push(timestamp)
    this.send([JSON.stringify({ type: 'ping', timestamp })])
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#accepting) this.#socket.resume()
  }

  /** Takes no more frames. What came before is still stored and answered. */
  refuse(): void {
    this.#accepting = false
  }

  /** Closes with a reason. The close timeout of the server ends it where the other side does not answer. */
  shut(code: number, reason: string): void {
    this.#accepting = false
    this.#backlog = []
    this.#backlogBytes = 0
    // A paused socket would never see the other side's half of the handshake.
    this.#socket.resume()
    this.#socket.close(code, reason)
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }
}
