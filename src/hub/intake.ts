/**
 * Group commit: what arrived in one turn of the event loop, from all senders and by all ways, goes into one transaction.
 * Only then are the answers given, to each sender in the order of its arrivals, and others shown what is new.
 */
import type { FanOut } from './fan-out.ts'
import { COMMIT_BYTES_MAX, COMMIT_ROWS_MAX, INTAKE_BYTES_MAX } from './limits.ts'
import type { HubLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Entry, Outcome, PushedEntry } from './entries.ts'
import type { LinesEntry } from './lines-table.ts'
import type { HubStore } from './store.ts'

/** Who brings arrivals, and is told what became of them. */
export type Sender = {
  readonly team: string
  pause(): void
  resume(): void
  /** The answers of a transaction are complete. */
  flush(): void
  /** The transaction failed: what was sent is neither stored nor answered. */
  fail(): void
}

/** Something to store, or only something to be told, in its place in the order. */
export type Arrival = {
  readonly sender: Sender
  readonly entries: readonly Entry[]
  /** Called once the entries are durable. */
  readonly settle: (outcomes: readonly Outcome[]) => void
}

type Waiting = Arrival & { readonly size: number; readonly arrivedMs: number }

export type IntakeOptions = {
  readonly store: Pick<HubStore, 'insert'>
  readonly fanOut: Pick<FanOut, 'publish' | 'tell'>
  readonly metrics: Metrics
  readonly log: HubLog
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #paused = new Set<Sender>()
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #scheduled = false
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

  /** Stores and answers all that waits, now. */
  flushAll(): void {
    while (this.#waiting.length > 0) this.#flush()
  }

  /** As `flushAll`; what arrives later fails. */
  close(): void {
    this.flushAll()
    this.#closed = true
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  #flush(): void {
    const batch = this.#take()
    if (batch.length === 0) return
    let outcomes: readonly Outcome[]
    try {
      outcomes = this.#store(batch)
    } catch (error) {
      this.#giveUp(batch, error)
      return
    }
    this.#publish(batch, outcomes)
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

  #store(batch: readonly Waiting[]): readonly Outcome[] {
    const entries = batch.flatMap(({ entries }) => entries)
    if (entries.length === 0) return []
    const startedMs = performance.now()
    const outcomes = this.#options.store.insert(entries)
    this.#options.metrics.transactionSeconds.observe((performance.now() - startedMs) / 1_000)
    return outcomes
  }

  // Before any answer: whoever begins to follow a project in this batch is told of a head that holds all of it.
  #publish(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
    let index = 0
    // A history comes in many frames: of each ledger the last one tells of all.
    const last = new Map<string, { readonly entry: LinesEntry; readonly outcome: Outcome }>()
    for (const { sender, entries } of batch) {
      for (const entry of entries) {
        const outcome = outcomes[index++]
        if (outcome?.verdict !== 'accepted') continue
        if (entry.kind === 'pushed') this.#tellPushed(entry, outcome)
        else if (entry.kind === 'lines') last.set(ledgerOf(entry), { entry, outcome })
        else this.#options.fanOut.publish(sender, entry, outcome.seq)
      }
    }
    for (const { entry, outcome } of last.values()) this.#tellLines(entry, outcome)
  }

  // Rows of ledgers have no place in the order of their project, and one of their own.
  #tellLines({ team, project_uuid, mission, ledger }: LinesEntry, { lines_seq }: Outcome): void {
    const frame = { type: 'LedgerLines', project_uuid, mission, ledger, lines_seq }
    this.#options.fanOut.tell(team, project_uuid, Buffer.from(JSON.stringify(frame)))
  }

  #tellPushed({ team, project_uuid }: PushedEntry, { pushed = [] }: Outcome): void {
    const frame = { type: 'CommitsPushed', project_uuid, git_hashes: pushed }
    this.#options.fanOut.tell(team, project_uuid, Buffer.from(JSON.stringify(frame)))
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

function ledgerOf({ team, project_uuid, ledger, mission }: LinesEntry): string {
  return `${team} ${project_uuid} ${ledger} ${mission}`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
