/**
 * Shows what was accepted to the other peers of the team, in the order of the store, in short slices between the
 * transactions: a slow reader, or many readers, never delay the ingest.
 */
import { FAN_OUT_SLICE_MS } from './limits.ts'
import type { HubLog } from './log.ts'
import type { Peer } from './peer.ts'
import type { Entry } from './store.ts'

export class FanOut {
  readonly #peersOf: (team: string) => Iterable<Peer>
  readonly #log: HubLog
  readonly #behind = new Set<Peer>()
  #scheduled = false

  constructor(peersOf: (team: string) => Iterable<Peer>, log: HubLog) {
    this.#peersOf = peersOf
    this.#log = log
  }

  /** Offers an accepted entry to everyone of the sender's team but the sender. */
  publish(sender: Peer, entry: Entry): void {
    let frame: Buffer | null = null
    for (const peer of this.#peersOf(sender.session.team)) {
      if (peer === sender) continue
      // One buffer for all of them, made only where somebody listens.
      frame ??= Buffer.from(frameOf(entry))
      if (peer.offer(frame)) this.#behind.add(peer)
      else this.#log('peer_too_slow', { peer: peer.number })
    }
    if (this.#behind.size > 0) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#slice()
      if (this.#behind.size > 0) this.#schedule()
    })
  }

  #slice(): void {
    const deadlineMs = performance.now() + FAN_OUT_SLICE_MS
    for (const peer of this.#behind) {
      // Taken out and put back at the end, so that the next slice begins with another.
      this.#behind.delete(peer)
      if (!peer.pump(deadlineMs)) this.#behind.add(peer)
      if (performance.now() >= deadlineMs) return
    }
  }
}

function frameOf(entry: Entry): string {
  return entry.kind === 'event' ? `{"type":"event",${entry.body.slice(1)}` : entry.body
}
