/**
 * Carries a backlog beside a connection whose hub takes events one by one: by HTTP where it takes batches, which is asked
 * once a connection. What HTTP leaves goes by the connection, and after a refusal so does all that comes later.
 */
import { BatchLink } from './batch-link.ts'
import type { BatchLinkOptions } from './batch-link.ts'
import type { Connection } from './connection.ts'
import type { OutgoingItem } from './outgoing.ts'
import { delivered } from './sender.ts'
import type { Delivered } from './sender.ts'

export class BacklogWay {
  readonly #options: BatchLinkOptions & { readonly target: string }
  readonly #connection: Connection
  #batches: Promise<BatchLink | null> | null = null

  constructor(options: BatchLinkOptions & { readonly target: string }, connection: Connection) {
    this.#options = options
    this.#connection = connection
  }

  /** Never rejects. */
  async deliver(batch: number, items: readonly OutgoingItem[]): Promise<Delivered> {
    const { greeting } = this.#connection
    if (greeting === null || greeting.takesArrays) {
      return this.#connection.deliver('events', batch, items)
    }
    this.#batches ??= this.#reach()
    const batches = await this.#batches
    if (batches === null) return this.#connection.deliver('events', batch, items)
    const { dialect } = greeting
    const strict = dialect === null ? null : { dialect, target: this.#options.target }
    const { accepted, rejected, refusal } = await batches.deliver(items, strict)
    if (refusal !== null) this.#batches = Promise.resolve(null)
    const answered = new Set([...accepted, ...rejected.map(({ id }) => id)])
    const rest = items.filter(({ id }) => !answered.has(id))
    if (rest.length === 0) return delivered(batch, items, accepted, rejected)
    const last = await this.#connection.deliver('events', batch, rest)
    return delivered(batch, items, [...accepted, ...last.accepted], [...rejected, ...last.rejected])
  }

  async #reach(): Promise<BatchLink | null> {
    const reached = await BatchLink.reach(this.#options)
    return 'refusal' in reached ? null : reached
  }
}
