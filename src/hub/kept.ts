/** What was made of rows, kept while no row came that it lacks; of all together as much as there is room for. */

type One<Value> = { readonly last: number; readonly value: Value; readonly length: number }

export class Kept<Value> {
  readonly #oneByName = new Map<string, One<Value>>()
  readonly #lengthMax: number
  #length = 0

  /** @param lengthMax of all that is kept, as `make` tells it */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /** What `make` made when `last` was the last row; the one that was asked for longest ago gives way. */
  of(
    name: string,
    last: number,
    make: () => { readonly value: Value; readonly length: number },
  ): Value {
    const kept = this.#oneByName.get(name)
    this.#forget(name)
    const one = kept?.last === last ? kept : { last, ...make() }
    this.#oneByName.set(name, one)
    this.#length += one.length
    for (const oldest of this.#oneByName.keys()) {
      if (this.#length <= this.#lengthMax) break
      this.#forget(oldest)
    }
    return one.value
  }

  clear(): void {
    this.#oneByName.clear()
    this.#length = 0
  }

  #forget(name: string): void {
    this.#length -= this.#oneByName.get(name)?.length ?? 0
    this.#oneByName.delete(name)
  }
}
