/** Reads lines in slices of a few milliseconds, so that the page stays quick while a long trace comes in. */

const SLICE_MS = 10

export type IntakeOptions = {
  readonly take: (value: unknown, line: string) => void
  /** After each slice. */
  readonly rest: (waiting: number) => void
}

export class Intake {
  readonly #options: IntakeOptions
  readonly #channel = new MessageChannel()
  #lines: string[] = []
  #next = 0
  #isAwake = false

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#channel.port1.addEventListener('message', () => this.#slice())
    this.#channel.port1.start()
  }

  push(text: string): void {
    // One by one: a frame may hold more lines than a call may have arguments.
    for (const line of text.split('\n')) if (line !== '') this.#lines.push(line)
    this.#wake()
  }

  clear(): void {
    this.#lines = []
    this.#next = 0
  }

  #wake(): void {
    if (this.#isAwake || this.#next >= this.#lines.length) return
    this.#isAwake = true
    // Not a timer: those rest longer, the more often they are set.
    this.#channel.port2.postMessage(null)
  }

  #slice(): void {
    this.#isAwake = false
    const until = performance.now() + SLICE_MS
    while (this.#next < this.#lines.length && performance.now() < until) {
      const line = this.#lines[this.#next] ?? ''
      this.#next += 1
      this.#options.take(parse(line), line)
    }
    if (this.#next >= this.#lines.length) this.clear()
    this.#options.rest(this.#lines.length - this.#next)
    this.#wake()
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
