/**
 * Group commit: what arrived in one turn of the event loop, from all senders and by all ways, is made durable as one,
 * and while that lasts, what arrives is gathered. Only then are the answers given, to each sender in the order of its
 * arrivals.
 */
import type { HubBackend } from './backend.ts'
import { COMMIT_BYTES_MAX, COMMIT_ROWS_MAX, INTAKE_BYTES_MAX } from './limits.ts'
import type { HubLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Entry, Outcome, Sender } from './entries.ts'

/** Something to store, or only something to be told, in its place in the order. */
export type Arrival = {
  readonly sender: Sender
  readonly entries: readonly Entry[]
  /** Called once the entries are durable. */
  readonly settle: (outcomes: readonly Outcome[]) => void
}

type Waiting = Arrival & { readonly size: number; readonly arrivedMs: number }

export type IntakeOptions = {
  readonly backend: Pick<HubBackend, 'append'>
  readonly metrics: Metrics
  readonly log: HubLog
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #paused = new Set<Sender>()
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #scheduled = false
  /** Until the batch that is under way is stored and answered. */
  #stored: Promise<void> | null = null
  #closed = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** What waits for a transaction, in bytes. */
  get bytes(): number {
    return this.#waitingBytes
  }

  add(arrival: Arrival): void {
    const { sender } = arrival
    if (this.#closed) return sender.fail()
    const size = sizeOf(arrival)
    this.#waiting.push({ ...arrival, size, arrivedMs: performance.now() })
    this.#waitingBytes += size
    if (this.#waitingBytes > INTAKE_BYTES_MAX && !this.#paused.has(sender)) {
      this.#paused.add(sender)
      sender.pause()
    }
    this.#schedule()
  }

  /** Stores and answers all that waits; it is done when this returns where the backend makes nobody wait. */
  async flushAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#stored !== null) {
      this.#flush()
      await this.#stored
    }
  }

  /** What arrives from now on fails. */
  close(): void {
    this.#closed = true
  }

  #schedule(): void {
    if (this.#scheduled || this.#stored !== null) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  #flush(): void {
    if (this.#stored !== null) return
    const batch = this.#take()
    if (batch.length === 0) return
    try {
      const outcomes = this.#store(batch)
      if (outcomes instanceof Promise) this.#stored = this.#await(batch, outcomes)
      else this.#finish(batch, outcomes)
    } catch (error) {
      this.#giveUp(batch, error)
    }
  }

  async #await(batch: readonly Waiting[], stored: Promise<readonly Outcome[]>): Promise<void> {
    try {
      this.#finish(batch, await stored)
    } catch (error) {
      this.#giveUp(batch, error)
    }
    this.#stored = null
    if (this.#waiting.length > 0) this.#schedule()
  }

  #finish(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
    this.#answer(batch, outcomes)
    this.#wake()
  }

  // What one arrival holds is never parted: it is answered as one.
  #take(): readonly Waiting[] {
    let count = 0
    let rows = 0
    let bytes = 0
    while (count < this.#waiting.length && rows < COMMIT_ROWS_MAX && bytes < COMMIT_BYTES_MAX) {
      const waiting = this.#waiting[count]
      bytes += waiting?.size ?? 0
      rows += Math.max(1, waiting?.entries.length ?? 0)
      count += 1
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  #store(batch: readonly Waiting[]): readonly Outcome[] | Promise<readonly Outcome[]> {
    const entries: Entry[] = []
    const senders: Sender[] = []
    for (const arrival of batch) {
      for (const entry of arrival.entries) {
        entries.push(entry)
        senders.push(arrival.sender)
      }
    }
    return entries.length === 0 ? [] : this.#options.backend.append({ entries, senders })
  }

  #answer(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
    const senders = new Set<Sender>()
    let index = 0
    for (const { sender, entries, settle, arrivedMs } of batch) {
      senders.add(sender)
      try {
        settle(outcomes.slice(index, index + entries.length))
      } catch (error) {
        this.#options.log('answer_failed', { code: codeOf(error) })
        sender.fail()
      }
      index += entries.length
      this.#options.metrics.answerSeconds.observe((performance.now() - arrivedMs) / 1_000)
    }
    for (const sender of senders) sender.flush()
  }

  // Without an answer the senders send again. They are closed rather than told, and what they sent behind is
  // dropped, because storing that alone would put it before what failed.
  #giveUp(batch: readonly Waiting[], error: unknown): void {
    const senders = new Set(batch.map(({ sender }) => sender))
    const fields = { code: codeOf(error), frames: batch.length, peers: senders.size }
    this.#options.log('store_failed', fields)
    this.#waiting = this.#waiting.filter(({ sender }) => !senders.has(sender))
    this.#waitingBytes = this.#waiting.reduce((sum, { size }) => sum + size, 0)
    for (const sender of senders) sender.fail()
    this.#wake()
  }

  #wake(): void {
    if (this.#waitingBytes > INTAKE_BYTES_MAX / 2) return
    for (const sender of this.#paused) sender.resume()
    this.#paused.clear()
  }
}

// What a frame costs beside its text: a queue of empty frames must be bounded, too.
const ARRIVAL_OVERHEAD_BYTES = 256
const HASH_LENGTH_MAX = 64

function sizeOf({ entries }: Arrival): number {
  return entries.reduce((sum, entry) => sum + lengthOf(entry), ARRIVAL_OVERHEAD_BYTES)
}

function lengthOf(entry: Entry): number {
  if (entry.kind === 'pushed') return entry.hashes.length * HASH_LENGTH_MAX
  if (entry.kind !== 'lines') return entry.body.length
  return entry.rows.reduce((sum, { body }) => sum + body.length, 0)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
