/** Numbers the people of a document, so that two of them stay distinguishable without a name. */
export class Ordinals {
  #ordinals: Map<string, Map<string, number>> | null = null
  #areSeveral = false

  /** True where someone has a number above 1, so that numbers depend on the order of reading. */
  get areSeveral(): boolean {
    return this.#areSeveral
  }

  /** From 1, by first appearance under this placeholder. */
  of(placeholder: string, who: string): number {
    this.#ordinals ??= new Map()
    let ordinals = this.#ordinals.get(placeholder)
    if (ordinals === undefined) {
      ordinals = new Map()
      this.#ordinals.set(placeholder, ordinals)
    }
    const known = ordinals.get(who)
    if (known !== undefined) return known
    ordinals.set(who, ordinals.size + 1)
    if (ordinals.size > 1) this.#areSeveral = true
    return ordinals.size
  }
}
