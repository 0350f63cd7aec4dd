/** How many batches a hub works on at once, in all and for one token. */
import { BATCHES_MAX, BATCHES_PER_TOKEN_MAX } from '../limits.ts'
import { RequestFault } from './request-body.ts'

/** Batches that are under way, counted so that their bodies are bounded. */
export class Batches {
  readonly #countByLogin = new Map<string, number>()
  #count = 0

  /** How many are under way. */
  get count(): number {
    return this.#count
  }

  /** @throws RequestFault 429, 503 */
  enter(login: string): void {
    const own = this.#countByLogin.get(login) ?? 0
    if (own >= BATCHES_PER_TOKEN_MAX) {
      throw new RequestFault(429, 'TOO_MANY_BATCHES', 'too many batches at once; wait for one')
    }
    if (this.#count >= BATCHES_MAX) {
      throw new RequestFault(503, 'HUB_BUSY', 'the hub reads many batches; try again in a second')
    }
    this.#countByLogin.set(login, own + 1)
    this.#count += 1
  }

  leave(login: string): void {
    const own = (this.#countByLogin.get(login) ?? 1) - 1
    if (own > 0) this.#countByLogin.set(login, own)
    else this.#countByLogin.delete(login)
    this.#count -= 1
  }
}
