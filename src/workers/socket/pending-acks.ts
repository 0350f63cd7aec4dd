/** What is sent on this connection and has no verdict yet. Only an exact match removes an item (L11). */
import type { Verdict } from './incoming.ts'
import type { Sink } from './protocol.ts'

export type PendingItem<Owner> = {
  readonly sink: Sink
  readonly id: string
  readonly projectUuid: string
  /** Null where the item has none that an ack could name. */
  readonly buildId: string | null
  readonly bytes: number
  readonly owner: Owner
}

export class PendingAcks<Owner> {
  readonly #itemByKey = new Map<string, PendingItem<Owner>>()
  #bytes = 0

  get size(): number {
    return this.#itemByKey.size
  }

  get bytes(): number {
    return this.#bytes
  }

  has(sink: Sink, id: string): boolean {
    return this.#itemByKey.has(keyOf(sink, id))
  }

  add(item: PendingItem<Owner>): void {
    this.#itemByKey.set(keyOf(item.sink, item.id), item)
    this.#bytes += item.bytes
  }

  /** The item that the verdict settles, now removed; null where it settles none, and nothing has changed. */
  settle(verdict: Verdict): PendingItem<Owner> | null {
    const item = this.#itemByKey.get(keyOf(verdict.sink, verdict.id))
    if (item === undefined) return null
    if (verdict.projectUuid !== undefined && verdict.projectUuid !== item.projectUuid) return null
    if (verdict.buildId !== undefined && verdict.buildId !== item.buildId) return null
    this.#remove(item)
    return item
  }

  /** Forgets what its owner no longer waits for; a later ack for it is a stray. */
  forget(owner: Owner): void {
    for (const item of this.#itemByKey.values()) if (item.owner === owner) this.#remove(item)
  }

  #remove(item: PendingItem<Owner>): void {
    if (this.#itemByKey.delete(keyOf(item.sink, item.id))) this.#bytes -= item.bytes
  }
}

function keyOf(sink: Sink, id: string): string {
  return `${sink}:${id}`
}
