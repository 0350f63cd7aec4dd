/** The events of a stream as values, for who needs all of them; what can't be read is kept beside, and bounded. */
import { readEventText } from '../../contracts/event-text.ts'
import type { Violation } from '../../contracts/values/violation.ts'
import { violation } from '../../contracts/values/violation.ts'
import type { EventSink } from './event-sink.ts'

/** What is against a line, or a place of an array. */
export type StreamFault = { readonly line: number; readonly code: string; readonly message: string }

/** Events of one stream. */
export const EVENTS_MAX = 1_000_000
const FAULTS_MAX = 100

export class EventGather implements EventSink {
  readonly events: unknown[] = []
  /** The first `FAULTS_MAX`. */
  readonly faults: StreamFault[] = []
  faultCount = 0

  takeText(line: number, text: string): void {
    const read = readEventText(text)
    // A key that stands twice, or a number that was rounded, is another event than somebody wrote.
    if (read.ok && read.violations.length === 0) this.#take(line, read.value)
    else this.takeFault(line, read.violations)
  }

  takeFault(line: number, violations: readonly Violation[]): void {
    this.faultCount += 1
    if (this.faults.length === FAULTS_MAX) return
    const [first] = violations
    this.faults.push({ line, code: first?.code ?? 'unreadable', message: first?.message ?? '' })
  }

  takeDocument(text: string, lengthMax: number): void {
    const read = readEventText(text, lengthMax)
    if (!read.ok) this.takeFault(1, read.violations)
    else if (!Array.isArray(read.value)) this.takeText(1, text)
    else {
      for (const [index, value] of read.value.entries()) {
        const own = read.violations.filter(({ path }) => path[0] === index)
        if (own.length === 0) this.#take(index + 1, value)
        else this.takeFault(index + 1, own)
      }
    }
  }

  #take(line: number, value: unknown): void {
    if (this.events.length < EVENTS_MAX) this.events.push(value)
    else {
      const message = `more than ${EVENTS_MAX} events in one stream`
      this.takeFault(line, [violation('input', 'too_many_events', [], message)])
    }
  }
}
