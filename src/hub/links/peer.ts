/** One connection: the one owner of its socket, which knows whether the other side still lives and reads. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { awarenessRefusal } from './awareness.ts'
import type { Awareness, AwarenessFrame } from './awareness.ts'
import type { DeadLetters } from '../dead-letters.ts'
import { Following } from './following.ts'
import { Inbox } from './inbox.ts'
import type { Correspondent } from './inbox.ts'
import type { Intake } from '../intake.ts'
import type { Sender } from '../entries.ts'
import { BAD_FRAMES_MAX, PINGS_MISSED_MAX } from '../limits.ts'
import type { Metrics } from '../metrics.ts'
import { Outflow } from './outflow.ts'
import { Replier } from './replier.ts'
import type { Shown } from './shown.ts'
import type { HubStore } from '../data/store.ts'
import type { Session } from '../access/tickets.ts'

/** What the connections of a hub share. */
export type PeerParts = {
  readonly store: HubStore
  readonly intake: Pick<Intake, 'add'>
  readonly fanOut: { readonly wake: (peer: Peer) => void }
  readonly awareness: Awareness
  readonly metrics: Metrics
  readonly deadLetters: DeadLetters
}

export type PeerOptions = {
  readonly number: number
  readonly session: Session
  readonly socket: WebSocket
  /** The socket below. */
  readonly wire: Duplex
  readonly parts: PeerParts
}

/** Why this side closes a connection; RFC 6455, the IANA registry, and the private range for what the client must do. */
export const CLOSE = {
  unsupportedData: 1003,
  policyViolation: 1008,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  tokenEnded: 4401,
} as const

const NONE: readonly string[] = []

export class Peer implements Correspondent {
  readonly number: number
  readonly session: Session
  readonly outflow: Outflow
  readonly following: Following
  readonly replier = new Replier()
  readonly #socket: WebSocket
  readonly #parts: PeerParts
  #accepting = true
  #badFrames = 0
  #unansweredPings = NONE

  constructor({ number, session, socket, wire, parts }: PeerOptions) {
    this.number = number
    this.session = session
    this.#socket = socket
    this.#parts = parts
    this.outflow = new Outflow(socket, wire, this)
    this.following = new Following(parts.store, this.outflow)
    const inbox = new Inbox(this, parts)
    socket.on('message', (data, isBinary) => {
      if (!this.#accepting) return
      if (isBinary) return this.shut(CLOSE.unsupportedData, 'text frames only')
      // The server keeps the default binary type, under which a message is one buffer.
      inbox.receive((data as Buffer).toString('utf8'))
    })
  }

  get team(): string {
    return this.session.team
  }

  get badFrames(): number {
    return this.#badFrames
  }

  /** What a subscription or a presence is answered with, once its turn has come. */
  answerAwareness(frame: AwarenessFrame): readonly string[] {
    const answer = this.#parts.awareness.take(this, frame)
    if ('category' in answer) {
      this.#parts.metrics.rejected.add(answer.category)
      return [awarenessRefusal(frame, answer)]
    }
    this.#parts.fanOut.wake(this)
    return answer.frames
  }

  /** Only the echo of a ping proves that the other side reads what is sent. */
  receivePong(timestamp: string): void {
    if (this.#unansweredPings.includes(timestamp)) this.#unansweredPings = NONE
    else this.countBadFrame()
  }

  countBadFrame(): void {
    this.#badFrames += 1
    if (this.#badFrames > BAD_FRAMES_MAX) this.shut(CLOSE.policyViolation, 'too many bad frames')
  }

  tooSlow(): void {
    this.shut(CLOSE.tryAgainLater, 'reads too slowly')
  }

  /** Offers what was accepted where this connection is to see it; false where it reads too slowly. */
  show(shown: Shown, sender: Sender | null): boolean {
    if (this.following.hasChosen) {
      this.following.show(shown)
      return true
    }
    return sender === this || this.outflow.offer(shown.plain, null)
  }

  flush(): void {
    this.outflow.send(this.replier.take())
  }

  fail(): void {
    this.shut(CLOSE.internalError, 'storage failed')
  }

  /** Asks for a sign of life; a peer that owes too many answers is cut off. */
  ping(): void {
    if (!this.outflow.isOpen || this.#socket.isPaused) return
    if (this.#unansweredPings.length >= PINGS_MISSED_MAX) return this.#socket.terminate()
    const timestamp = new Date().toISOString()
    this.#unansweredPings = [...this.#unansweredPings, timestamp]
    this.outflow.send([JSON.stringify({ type: 'ping', timestamp })])
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
    this.outflow.clear()
    // A paused socket would never see the other side's half of the handshake.
    this.#socket.resume()
    this.#socket.close(code, reason)
  }
}
