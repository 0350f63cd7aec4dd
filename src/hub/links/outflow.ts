/** What goes out on one connection: answers at once, what others shall see in slices, and never more than is read. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { CATCH_UP_BYTES_MAX, PEER_BUFFER_BYTES_MAX } from '../limits.ts'

/** What is used of a WebSocket. */
type Socket = Pick<WebSocket, 'readyState' | 'OPEN' | 'bufferedAmount' | 'send'>

/** Whoever is on the other side. */
type Reader = { tooSlow(): void }

type Waiting = { readonly frame: Buffer; readonly projectUuid: string | null }

export class Outflow {
  readonly #socket: Socket
  /** The socket below, to write many frames at once. */
  readonly #wire: Duplex
  readonly #reader: Reader
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #isAwaited = false

  constructor(socket: Socket, wire: Duplex, reader: Reader) {
    this.#socket = socket
    this.#wire = wire
    this.#reader = reader
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  get bytes(): number {
    return this.#socket.bufferedAmount + this.#waitingBytes
  }

  /** Nothing is queued, and the socket takes more. */
  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#socket.bufferedAmount < CATCH_UP_BYTES_MAX
  }

  /** Writes frames, all at once. */
  send(frames: readonly string[]): void {
    if (!this.isOpen || frames.length === 0 || this.#isSlow()) return
    this.#wire.cork()
    for (const frame of frames) this.#socket.send(frame)
    this.#wire.uncork()
  }

  /** Calls once when the other side has taken what was written. */
  whenTaken(act: () => void): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    const go = (): void => {
      this.#isAwaited = false
      act()
    }
    if (this.#wire.writableNeedDrain) this.#wire.once('drain', go)
    else setImmediate(go)
  }

  /** Queues what others sent; false where the other side reads too slowly and is closed for it. */
  offer(frame: Buffer, projectUuid: string | null): boolean {
    if (!this.isOpen) return true
    if (this.#isSlow()) return false
    this.#waiting.push({ frame, projectUuid })
    this.#waitingBytes += frame.length
    return true
  }

  /** Forgets what is queued of a project. */
  drop(projectUuid: string): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.projectUuid !== projectUuid)
    this.#waitingBytes = this.#waiting.reduce((sum, { frame }) => sum + frame.length, 0)
  }

  /** Forgets all that is queued. */
  clear(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  /** Writes what was offered, until done or until the deadline; true when nothing is left. */
  pump(deadlineMs: number): boolean {
    if (!this.isOpen) {
      this.clear()
      return true
    }
    if (this.#waiting.length === 0) return true
    this.#wire.cork()
    let sent = 0
    for (const { frame } of this.#waiting) {
      this.#socket.send(frame, { binary: false })
      this.#waitingBytes -= frame.length
      sent += 1
      if (performance.now() >= deadlineMs) break
    }
    this.#waiting.splice(0, sent)
    this.#wire.uncork()
    return this.#waiting.length === 0
  }

  #isSlow(): boolean {
    if (this.bytes <= PEER_BUFFER_BYTES_MAX) return false
    this.#reader.tooSlow()
    return true
  }
}
