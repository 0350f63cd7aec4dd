/** What is sent on this connection and has no verdict yet. Only an exact match removes an item (L11). */
import type { Acks, Verdict } from './incoming.ts'
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

/** What an acks frame says of one item that was waited for. */
export type Settled<Owner> = {
  readonly item: PendingItem<Owner>
  readonly outcome: Verdict['outcome']
  readonly reason: string
}

export class PendingAcks<Owner> {
  readonly #itemByKey = new Map<string, PendingItem<Owner>>()
  /** Array frames without acks, the oldest first, also such as nobody waits for any more: the hub still counts them. */
  #arrays: { readonly number: number; readonly items: readonly PendingItem<Owner>[] }[] = []
  readonly #isInArray = new Set<PendingItem<Owner>>()
  #arraysSent = 0
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

  /** The number that the next array frame has. */
  get nextArray(): number {
    return this.#arraysSent + 1
  }

  /** Adds what goes as the next array frame: only acks of that frame settle it. */
  addArray(items: readonly PendingItem<Owner>[]): void {
    this.#arraysSent += 1
    this.#arrays.push({ number: this.#arraysSent, items })
    for (const item of items) {
      this.add(item)
      this.#isInArray.add(item)
    }
  }

  /** What the acks settle of that which is waited for, now removed; null where one word of them isn't exact. */
  settleArrays(acks: Acks): readonly Settled<Owner>[] | null {
    const length = this.#arrays.findIndex(({ number }) => number === acks.through) + 1
    const items = this.#arrays.slice(0, length).flatMap((array) => array.items)
    if (items.length !== acks.count || items.at(-1)?.id !== acks.lastId) return null
    const exceptionById = new Map(acks.exceptions.map((exception) => [exception.id, exception]))
    const named = items.filter(({ id }) => exceptionById.has(id))
    if (named.length !== acks.exceptions.length) return null
    this.#arrays = this.#arrays.slice(length)
    return items
      .filter((item) => this.#remove(item))
      .map((item) => {
        const { outcome, reason } = exceptionById.get(item.id) ?? ACCEPTED
        return { item, outcome, reason }
      })
  }

  /** The item that the verdict settles, now removed; null where it settles none, and nothing has changed. */
  settle(verdict: Verdict): PendingItem<Owner> | null {
    const item = this.#itemByKey.get(keyOf(verdict.sink, verdict.id))
    if (item === undefined || this.#isInArray.has(item)) return null
    if (verdict.projectUuid !== undefined && verdict.projectUuid !== item.projectUuid) return null
    if (verdict.buildId !== undefined && verdict.buildId !== item.buildId) return null
    this.#remove(item)
    return item
  }

  /** Forgets what its owner no longer waits for; a later ack for it is a stray. */
  forget(owner: Owner): void {
    for (const item of this.#itemByKey.values()) if (item.owner === owner) this.#remove(item)
  }

  #remove(item: PendingItem<Owner>): boolean {
    const key = keyOf(item.sink, item.id)
    // By identity: the same event may be under way again since it was forgotten.
    if (this.#itemByKey.get(key) !== item) return false
    this.#itemByKey.delete(key)
    this.#isInArray.delete(item)
    this.#bytes -= item.bytes
    return true
  }
}

const ACCEPTED = { outcome: 'accepted', reason: '' } as const

function keyOf(sink: Sink, id: string): string {
  return `${sink}:${id}`
}
