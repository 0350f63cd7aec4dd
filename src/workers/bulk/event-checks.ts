/** What is found in a stream of events, counted and bounded. */
import { readEventText } from '../../contracts/event-text.ts'
import { isJsonObject } from '../../contracts/json/json.ts'
import type { Violation } from '../../contracts/values/violation.ts'
import { validateEvent } from '../../events/validate-event.ts'

export type CheckOptions = { readonly type: string | null; readonly strict: boolean }

/** An event that is not as the contracts say. */
export type Finding = {
  /** From 1: the line of a stream, the place in an array. */
  readonly line: number
  readonly event_type: string | null
  /** The first `SHOWN_MAX`. */
  readonly violations: readonly Violation[]
  readonly violation_count: number
}

export type EventTally = {
  readonly events: number
  readonly invalid: number
  /** Events of which something was put right before they were judged. */
  readonly normalised: number
  /** The first `FINDINGS_MAX`. */
  readonly findings: readonly Finding[]
}

export const FINDINGS_MAX = 100
const SHOWN_MAX = 20

export class EventChecks {
  readonly #options: CheckOptions
  readonly #findings: Finding[] = []
  #events = 0
  #invalid = 0
  #normalised = 0

  constructor(options: CheckOptions) {
    this.#options = options
  }

  /** One event as text. */
  takeText(line: number, text: string): void {
    const read = readEventText(text)
    if (read.ok) this.takeValue(line, read.value, read.violations)
    else this.takeFault(line, read.violations)
  }

  /** @param known what the value's text had against it */
  takeValue(line: number, value: unknown, known: readonly Violation[] = []): void {
    const { type, strict } = this.#options
    const verdict = validateEvent(value, type ?? undefined, { strict })
    this.#events += 1
    if (verdict.normalisations.length > 0) this.#normalised += 1
    const violations = [...known, ...verdict.violations]
    if (violations.length > 0) this.#add(line, violations, typeOf(value) ?? verdict.event_type)
  }

  /** What can't be read as an event, and counts as one. */
  takeFault(line: number, violations: readonly Violation[]): void {
    this.#events += 1
    this.#add(line, violations, null)
  }

  /** A document: one event, or an array of them. */
  takeDocument(text: string, lengthMax: number): void {
    const read = readEventText(text, lengthMax)
    if (!read.ok) this.takeFault(1, read.violations)
    else if (!Array.isArray(read.value)) this.takeValue(1, read.value, read.violations)
    else {
      for (const [index, value] of read.value.entries()) {
        const own = read.violations.filter(({ path }) => path[0] === index)
        const known = own.map((one) => ({ ...one, path: one.path.slice(1) }))
        this.takeValue(index + 1, value, known)
      }
    }
  }

  tally(): EventTally {
    return {
      events: this.#events,
      invalid: this.#invalid,
      normalised: this.#normalised,
      findings: this.#findings,
    }
  }

  #add(line: number, violations: readonly Violation[], event_type: string | null): void {
    this.#invalid += 1
    if (this.#findings.length === FINDINGS_MAX) return
    this.#findings.push({
      line,
      event_type,
      violations: violations.slice(0, SHOWN_MAX),
      violation_count: violations.length,
    })
  }
}

function typeOf(value: unknown): string | null {
  const type = isJsonObject(value) ? value['event_type'] : null
  return typeof type === 'string' ? type : null
}
