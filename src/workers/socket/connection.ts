/**
 * One open connection: greets, answers pings, carries batches, and says exactly once that it is over. Whatever the
 * hub sends is read, counted or ends the connection; nothing that it sends can throw out of here. In one file, so that every way to its one end can be seen together.
 */
import type { Buffer } from 'node:buffer'
import { WebSocket } from 'ws'
import type { RawData } from 'ws'
import { FocusTeller } from './focus-teller.ts'
import type { FocusTellerOptions } from './focus-teller.ts'
import type { Greeting } from './greeting.ts'
import type { OpenedSocket } from './handshake.ts'
import { readFrame } from './incoming.ts'
import type { IncomingFrame } from './incoming.ts'
import type { LinkLimits, SetTimer } from './limits.ts'
import { Liveness } from './liveness.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { CloseClass, Sink, SocketFact } from './protocol.ts'
import { classOfCloseCode } from './refusal.ts'
import { Sender } from './sender.ts'
import type { Delivered, Outlet } from './sender.ts'

/** What came and was not acted upon. */
export type FrameCounts = {
  /** Verdicts about nothing that waits, or not by the contract. */
  stray: number
  malformed: number
  /** Broadcasts and types of a newer hub. */
  other: number
  /** Pings beyond the rate that is answered. */
  floodedPings: number
}

export type FocusSource = Pick<FocusTellerOptions, 'projectUuid' | 'read'>

export type ConnectionOptions = OpenedSocket & {
  readonly number: number
  readonly target: string
  /** The id of the login that led here. */
  readonly login: string
  readonly granted: (projectUuid: string) => boolean
  /** Whose user's focus is told, and what it is; null where there is no project. */
  readonly focus: FocusSource | null
  readonly emit: (fact: SocketFact) => void
  readonly limits: LinkLimits
  readonly setTimer: SetTimer
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  readonly counts: FrameCounts
}

const NORMAL_CLOSE = 1000
const PROTOCOL_ERROR = 1002
const POLICY_VIOLATION = 1008
const PING_WINDOW_MS = 1000

export class Connection {
  readonly #options: ConnectionOptions
  readonly #sender: Sender
  readonly #liveness: Liveness
  readonly #focus: FocusTeller | null
  readonly #closed: Promise<void>
  #resolveClosed: () => void = () => {}
  #isOver = false
  #greeting: Greeting | null = null
  #malformed = 0
  #ending: { readonly class: CloseClass; readonly reason: string } | null = null
  #pingWindow = { startedAt: 0, count: 0 }

  constructor(options: ConnectionOptions) {
    this.#options = options
    const { focus, granted, limits, setTimer, webSocket } = options
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#sender = new Sender({ outlet: this.#outlet(), granted, limits, setTimer })
    const say = (frame: string): void => webSocket.send(frame, ignoreError)
    this.#focus = focus === null ? null : new FocusTeller({ ...focus, granted, say, setTimer })
    this.#liveness = new Liveness({
      limits,
      setTimer,
      ping: () => webSocket.ping(undefined, undefined, ignoreError),
      silent: () => this.#giveUp(),
    })
    webSocket.on('message', (data, isBinary) => this.#read(data, isBinary))
    // Answered here and not by the library, which would queue an answer for each, however many come.
    webSocket.on('ping', (data) => {
      this.#liveness.heard()
      if (this.#mayAnswer()) webSocket.pong(data, undefined, ignoreError)
    })
    webSocket.on('pong', () => {
      const { emit, number: connection } = options
      if (this.#liveness.heard()) emit({ type: 'socket.pinged', connection })
    })
    webSocket.on('close', (code) => this.#over(code))
    // After this turn's answers: a fact must not overtake `socket.opened`.
    setImmediate(() => {
      if (webSocket.readyState === WebSocket.CLOSED) this.#over(1006)
      else webSocket.resume()
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What the hub said of itself; null before. */
  get greeting(): Greeting | null {
    return this.#greeting
  }

  deliver(sink: Sink, batch: number, items: readonly OutgoingItem[]): Promise<Delivered> {
    return this.#sender.deliver(sink, batch, items)
  }

  /** The hub may be gone: it has a short time to show that it isn't. */
  check(): void {
    if (!this.#isOver && this.#ending === null) this.#liveness.check()
  }

  /** Resolves once it is over, which is at the latest after the close deadline. */
  close(): Promise<void> {
    this.#end(NORMAL_CLOSE, 'transient', 'LINK_CLOSED')
    return this.#closed
  }

  #read(data: RawData, isBinary: boolean): void {
    if (this.#isOver || this.#ending !== null) return
    this.#liveness.heard()
    const { limits } = this.#options
    const frame: IncomingFrame = isBinary
      ? { kind: 'malformed' }
      : // `nodebuffer` is the library's default: a message is one Buffer.
        readFrame(
          (data as Buffer).toString('utf8'),
          this.#greeting?.dialect ?? null,
          limits.payloadBytesMax,
        )
    if (this.#greeting === null) this.#greet(frame)
    else this.#take(frame)
  }

  #greet(frame: IncomingFrame): void {
    if (frame.kind !== 'snapshot') {
      return this.#end(PROTOCOL_ERROR, 'transient', 'HUB_PROTOCOL')
    }
    const { emit, login, number: connection, target } = this.#options
    this.#greeting = frame.greeting
    this.#sender.open(frame.greeting, target)
    const { epoch, takes, takesPresence } = frame.greeting
    emit({ type: 'socket.snapshot', connection, login, epoch, takes })
    if (takesPresence) this.#focus?.start()
  }

  #take(frame: IncomingFrame): void {
    const { counts, limits } = this.#options
    switch (frame.kind) {
      case 'verdict':
        if (!this.#sender.settle(frame.verdict)) counts.stray += 1
        break
      case 'acks':
        if (!this.#sender.settleArrays(frame.acks)) counts.stray += 1
        break
      case 'unheard':
        this.#focus?.refused(frame.projectUuid)
        break
      case 'stray':
        counts.stray += 1
        break
      case 'ping':
        this.#answerPing(frame.timestamp)
        break
      case 'malformed':
        counts.malformed += 1
        this.#malformed += 1
        if (this.#malformed >= limits.malformedMax) {
          this.#end(POLICY_VIOLATION, 'transient', 'HUB_PROTOCOL')
        }
        break
      default:
        counts.other += 1
    }
  }

  #answerPing(timestamp: string | number): void {
    if (!this.#mayAnswer()) return
    const { emit, number, webSocket } = this.#options
    webSocket.send(JSON.stringify({ timestamp, type: 'pong' }), ignoreError)
    emit({ type: 'socket.pinged', connection: number })
  }

  #mayAnswer(): boolean {
    const { limits, now, webSocket } = this.#options
    const at = now()
    if (at - this.#pingWindow.startedAt >= PING_WINDOW_MS) {
      this.#pingWindow = { startedAt: at, count: 0 }
    }
    this.#pingWindow.count += 1
    const isFlood = this.#pingWindow.count > limits.pingsPerSecondMax
    const mayAnswer = !isFlood && webSocket.bufferedAmount < limits.highWaterBytes
    if (!mayAnswer) this.#options.counts.floodedPings += 1
    return mayAnswer
  }

  // No good-bye: nobody would hear it.
  #giveUp(): void {
    if (this.#isOver || this.#ending !== null) return
    this.#ending = { class: 'transient', reason: 'LINK_SILENT' }
    this.#fallSilent()
    this.#options.webSocket.terminate()
  }

  #end(code: number, closeClass: CloseClass, reason: string): void {
    if (this.#isOver || this.#ending !== null) return
    const { webSocket } = this.#options
    this.#ending = { class: closeClass, reason }
    // First: the close handshake may take its whole deadline, and no ack is taken any more.
    this.#fallSilent()
    webSocket.resume()
    webSocket.close(code)
  }

  #over(code: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#liveness.stop()
    this.#fallSilent()
    // The hub's own close text is not passed on: it is untrusted.
    const ending = this.#ending ?? { class: classOfCloseCode(code), reason: reasonOf(code) }
    const { emit, number: connection } = this.#options
    emit({ type: 'socket.closed', connection, code, class: ending.class, reason: ending.reason })
    this.#resolveClosed()
  }

  #fallSilent(): void {
    this.#sender.end()
    this.#focus?.stop()
  }

  #outlet(): Outlet {
    const { socket, webSocket } = this.#options
    return {
      send: (frame, written) =>
        webSocket.send(frame, (error) => {
          if (error === undefined || error === null) written()
        }),
      unwrittenBytes: () => webSocket.bufferedAmount,
      together: (act) => {
        socket.cork()
        act()
        socket.uncork()
      },
    }
  }
}

function reasonOf(code: number): string {
  return code === 1006 ? 'LINK_LOST' : 'HUB_CLOSED'
}

// A failed write ends in `close`, which is where it is dealt with.
function ignoreError(): void {}
