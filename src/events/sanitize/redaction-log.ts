/** What was removed from a document, and where. */
import type { RedactionClass } from './rule.ts'

export type Redaction = {
  /** Where, as `payload.items[3].name`; a key that was cleaned is shown clean. */
  readonly path: string
  readonly class: RedactionClass
}

const PATH_KEY_LENGTH_MAX = 64

export class RedactionLog {
  readonly redactions: Redaction[] = []
  readonly #steps: (string | number)[] = []
  #count = 0

  /** All reports so far; of equal ones in a row only the first is kept. */
  get count(): number {
    return this.#count
  }

  enter(step: string | number): void {
    this.#steps.push(step)
  }

  leave(): void {
    this.#steps.pop()
  }

  report(redaction: RedactionClass): void {
    this.#count += 1
    const path = pathOf(this.#steps)
    const last = this.redactions.at(-1)
    if (last?.path === path && last.class === redaction) return
    this.redactions.push({ path, class: redaction })
  }
}

function pathOf(steps: readonly (string | number)[]): string {
  let path = ''
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`
    else path += `${path === '' ? '' : '.'}${step.slice(0, PATH_KEY_LENGTH_MAX)}`
  }
  return path
}
