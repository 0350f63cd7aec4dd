/** Judges the events of one file; stateless, so that a pool can take many. */
import { type CheckOptions, EventChecks, type EventTally } from './event-checks.ts'
import { readEvents } from './read-events.ts'

export type ValidationTask = CheckOptions & { readonly path: string }

export type FileOutcome =
  | ({ readonly state: 'checked'; readonly path: string } & EventTally)
  | { readonly state: 'unreadable'; readonly path: string; readonly reason: string }

/** Total: any file gives an answer; nothing waits for a pipe. */
export default function validateFile({ path, type, strict }: ValidationTask): FileOutcome {
  const checks = new EventChecks({ type, strict })
  const reason = readEvents(path, checks)
  if (reason !== null) return { state: 'unreadable', path, reason }
  return { state: 'checked', path, ...checks.tally() }
}
