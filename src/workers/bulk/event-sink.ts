/** What takes the events of a stream, as they are read. */
import type { Violation } from '../../contracts/values/violation.ts'

export type EventSink = {
  /** One event as text; lines and places count from 1. */
  readonly takeText: (line: number, text: string) => void
  /** A line that can't be read. */
  readonly takeFault: (line: number, violations: readonly Violation[]) => void
  /** A document: one event, or an array of them. */
  readonly takeDocument: (text: string, lengthMax: number) => void
}
