/**
 * Sends events by HTTP, batch by batch and in order, and gathers what the hub says of each. A batch that the hub refuses
 * as a whole is taken apart, bounded, until the culprit stands alone; whatever says nothing of an event leaves it.
 */
import { Buffer } from 'node:buffer'
import type { HubReply } from '../../project/login/hub-request.ts'
import { readBatchReply } from './batch-answer.ts'
import type { BatchOutcome } from './batch-answer.ts'
import type { BatchSize } from './batch-size.ts'
import { cutPoint } from './cut-point.ts'
import type { IngressLimits } from './greeting.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { Rejected } from './protocol.ts'
import { refuse } from './refusal.ts'
import type { Refusal } from './refusal.ts'

export type PassOptions = {
  readonly post: (body: string) => Promise<HubReply>
  /** The body of an event as it goes now; null without consent, or where it isn't what its item says. */
  readonly compose: (item: OutgoingItem) => string | null
  readonly limits: IngressLimits
  readonly size: BatchSize
  /** Asked between two batches. */
  readonly goesOn: () => boolean
}

/** What is named in none of the lists was not answered for. */
export type Passed = {
  readonly accepted: string[]
  readonly rejected: Rejected[]
  /** Too large for this way. */
  readonly oversized: string[]
  /** Why the pass ended early. */
  readonly refusal: Refusal | null
}

/** Of one pass, whatever the hub answers. */
const REQUESTS_MAX = 256
/** A hub that takes nothing at all, and blames so many events one by one, is not believed. */
const POISON_MAX = 8

type Slice = { readonly items: readonly OutgoingItem[]; readonly body: string }

export async function runPass(
  items: readonly OutgoingItem[],
  options: PassOptions,
): Promise<Passed> {
  const pass = new BatchPass(items, options)
  return pass.run()
}

class BatchPass {
  readonly #options: PassOptions
  /** What is still to be sent, in order; each part is sent by itself. */
  #parts: OutgoingItem[][]
  readonly #accepted: string[] = []
  readonly #rejected: Rejected[] = []
  readonly #oversized: string[] = []
  readonly #poison: Rejected[] = []
  #refusal: Refusal | null = null
  #isStuck = false

  constructor(items: readonly OutgoingItem[], options: PassOptions) {
    this.#options = options
    this.#parts = [[...items]]
  }

  async run(): Promise<Passed> {
    for (let requests = 0; requests < REQUESTS_MAX && this.#goesOn(); requests += 1) {
      const slice = this.#nextSlice()
      if (slice === null) break
      const ids = slice.items.map((item) => item.id)
      const { limits, post } = this.#options
      this.#take(readBatchReply(await post(slice.body), ids, limits), slice.items)
    }
    // Believed only where the hub takes others, or blames few.
    const isBelieved = this.#accepted.length > 0 || this.#poison.length <= POISON_MAX
    return {
      accepted: this.#accepted,
      rejected: [...this.#rejected, ...(isBelieved ? this.#poison : [])],
      oversized: this.#oversized,
      refusal: this.#refusal,
    }
  }

  #goesOn(): boolean {
    return this.#refusal === null && !this.#isStuck && this.#options.goesOn()
  }

  #take(outcome: BatchOutcome, items: readonly OutgoingItem[]): void {
    switch (outcome.kind) {
      case 'verdicts':
        this.#accepted.push(...outcome.accepted)
        this.#rejected.push(...outcome.rejected)
        // Without a word on any of them the next batch would fare no better.
        this.#isStuck = outcome.accepted.length + outcome.rejected.length === 0
        if (outcome.accepted.length > 0) this.#options.size.grow()
        break
      case 'culprits': {
        const named = new Set(outcome.rejected.map(({ id }) => id))
        this.#rejected.push(...outcome.rejected)
        this.#again(items.filter(({ id }) => !named.has(id)))
        break
      }
      case 'tooLarge':
        this.#splitLarge(items)
        break
      case 'poison':
        this.#splitPoison(items, outcome.reason)
        break
      case 'halt':
        this.#refusal = outcome.refusal
    }
  }

  #splitLarge(items: readonly OutgoingItem[]): void {
    const [only] = items
    if (items.length === 1 && only !== undefined) this.#oversized.push(only.id)
    else {
      this.#options.size.shrink(items.length)
      this.#again(items)
    }
  }

  #splitPoison(items: readonly OutgoingItem[], reason: string): void {
    const [only] = items
    if (items.length === 1 && only !== undefined) {
      this.#poison.push({ id: only.id, reason, isFinal: false })
      if (this.#accepted.length > 0 || this.#poison.length <= POISON_MAX) return
      this.#refusal = refuse('HUB_PROTOCOL', 'the hub takes no event at all', 'transient')
      return
    }
    const cut = cutPoint(items)
    this.#again(items.slice(cut))
    this.#again(items.slice(0, cut))
  }

  /** Before everything else that waits. */
  #again(items: readonly OutgoingItem[]): void {
    if (items.length > 0) this.#parts.push([...items])
  }

  /** The next batch of the first part; null where nothing is left. */
  #nextSlice(): Slice | null {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      const slice = this.#cut(part)
      if (slice !== null) return slice
    }
    return null
  }

  // Each body is made at the last moment: consent may have been withdrawn since the batch before (L12).
  #cut(part: readonly OutgoingItem[]): Slice | null {
    const items: OutgoingItem[] = []
    const bodies: string[] = []
    let bytes = 0
    for (const [index, item] of part.entries()) {
      const body = this.#options.compose(item)
      if (body === null) continue
      const size = Buffer.byteLength(body)
      if (!this.#options.size.holds(1, size)) {
        this.#oversized.push(item.id)
        continue
      }
      if (items.length > 0 && !this.#options.size.holds(items.length + 1, bytes + size)) {
        this.#again(part.slice(index))
        break
      }
      bytes += size
      items.push(item)
      bodies.push(body)
    }
    return items.length === 0 ? null : { items, body: `{"events":[${bodies.join(',')}]}` }
  }
}
