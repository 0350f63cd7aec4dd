// What happened in a simulated world: a number that stands for all of it, and the lines themselves where they are wanted.

export class Trace {
  hash = 0x811c9dc5
  lines = []
  #isKept

  constructor(isKept) {
    this.#isKept = isKept
  }

  tell(text) {
    let { hash } = this
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    }
    this.hash = hash >>> 0
    if (this.#isKept) this.lines.push(text)
  }
}
