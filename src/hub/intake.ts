/**
 * Group commit: what arrived in one turn of the event loop, from all peers, goes into one transaction. Only then
 * are the answers sent, to each peer in the order of its frames, and the others of the team shown what is new.
 */
import type { FanOut } from './fan-out.ts'
import { COMMIT_BYTES_MAX, COMMIT_ROWS_MAX, INTAKE_BYTES_MAX } from './limits.ts'
import type { HubLog } from './log.ts'
import { CLOSE } from './peer.ts'
import type { Arrival, Peer } from './peer.ts'
import { replyTo } from './replies.ts'
import type { Entry, HubStore, Verdict } from './store.ts'

export type IntakeOptions = {
  readonly store: Pick<HubStore, 'insert'>
  readonly fanOut: Pick<FanOut, 'publish'>
  readonly log: HubLog
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #paused = new Set<Peer>()
  #waiting: Arrival[] = []
  #waitingBytes = 0
  #scheduled = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  add(arrival: Arrival): void {
    this.#waiting.push(arrival)
    this.#waitingBytes += sizeOf(arrival)
    if (this.#waitingBytes > INTAKE_BYTES_MAX && !this.#paused.has(arrival.peer)) {
      this.#paused.add(arrival.peer)
      arrival.peer.pause()
    }
    this.#schedule()
  }

  /** Stores and answers all that waits, now. */
  flushAll(): void {
    while (this.#waiting.length > 0) this.#flush()
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
    let verdicts: readonly Verdict[]
    try {
      verdicts = this.#store(batch)
    } catch (error) {
      this.#giveUp(batch, error)
      return
    }
    this.#answer(batch, verdicts)
    this.#wake()
  }

  #take(): readonly Arrival[] {
    let rows = 0
    let bytes = 0
    while (rows < Math.min(this.#waiting.length, COMMIT_ROWS_MAX) && bytes < COMMIT_BYTES_MAX) {
      const arrival = this.#waiting[rows]
      if (arrival !== undefined) bytes += sizeOf(arrival)
      rows += 1
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, rows)
  }

  #store(batch: readonly Arrival[]): readonly Verdict[] {
    const entries: Entry[] = []
    for (const arrival of batch) if ('entry' in arrival) entries.push(arrival.entry)
    return entries.length === 0 ? [] : this.#options.store.insert(entries)
  }

  #answer(batch: readonly Arrival[], verdicts: readonly Verdict[]): void {
    const repliesByPeer = new Map<Peer, string[]>()
    let index = 0
    for (const arrival of batch) {
      const verdict = 'entry' in arrival ? verdicts[index++] : undefined
      const replies = repliesByPeer.get(arrival.peer) ?? []
      repliesByPeer.set(arrival.peer, replies)
      replies.push(replyTo(arrival, verdict))
      if (verdict === 'accepted' && 'entry' in arrival) {
        this.#options.fanOut.publish(arrival.peer, arrival.entry)
      }
    }
    for (const [peer, replies] of repliesByPeer) peer.send(replies)
  }

  // Without an answer the senders send again. They are closed rather than told, and what they sent behind is
  // dropped, because storing that alone would put it before what failed.
  #giveUp(batch: readonly Arrival[], error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const peers = new Set(batch.map(({ peer }) => peer))
    this.#options.log('store_failed', { code, frames: batch.length, peers: peers.size })
    this.#waiting = this.#waiting.filter(({ peer }) => !peers.has(peer))
    this.#waitingBytes = this.#waiting.reduce((sum, arrival) => sum + sizeOf(arrival), 0)
    for (const peer of peers) peer.shut(CLOSE.internalError, 'storage failed')
    this.#wake()
  }

  #wake(): void {
    if (this.#waitingBytes > INTAKE_BYTES_MAX / 2) return
    for (const peer of this.#paused) peer.resume()
    this.#paused.clear()
  }
}

// What a frame costs beside its text: a queue of empty frames must be bounded, too.
const ARRIVAL_OVERHEAD_BYTES = 256

function sizeOf(arrival: Arrival): number {
  const text = 'entry' in arrival ? arrival.entry.body : arrival.reply
  return text.length + ARRIVAL_OVERHEAD_BYTES
}
