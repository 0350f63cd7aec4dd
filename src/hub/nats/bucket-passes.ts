/** Secrets that are good once, in a bucket that all hubs see. */
import type { Passes } from '../backend.ts'
import { LinkError } from '../../errors.ts'
import { apiCodeOf, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats } from './connect.ts'
import { away } from './shared-log.ts'

export class BucketPasses implements Passes {
  readonly #nats: () => Nats

  /** @param nats throws HUB_AWAY where there is no connection */
  constructor(nats: () => Nats) {
    this.#nats = nats
  }

  async put(key: string, value: string): Promise<void> {
    const { bucket } = this.#nats()
    await orAway(() => bucket.put(key, value))
  }

  async take(key: string): Promise<string | null> {
    const { bucket } = this.#nats()
    const entry = await orAway(() => bucket.get(key))
    if (entry === null || entry.operation !== 'PUT') return null
    try {
      // Whoever deletes the value that was read is the one that has it.
      await bucket.delete(key, { previousSeq: entry.revision })
      return entry.string()
    } catch (error) {
      if (apiCodeOf(error) === WRONG_LAST_SEQUENCE) return null
      throw away()
    }
  }
}

async function orAway<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    throw error instanceof LinkError ? error : away()
  }
}
