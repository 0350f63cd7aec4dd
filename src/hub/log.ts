/**
 * The hub's log: one JSON object a line, escaped to ASCII. Fields are counts, short codes and
 * numbers of connections, so lines are short; never an address, a name, a token or text that came from outside.
 */
import { encodeJson } from '../contracts/json/json.ts'

export type HubLog = (what: string, fields?: Readonly<Record<string, string | number>>) => void

/** A log that writes to `sink`, whose own failures are not the hub's. */
export function hubLog(sink: ((line: string) => void) | undefined): HubLog {
  if (sink === undefined) return () => {}
  return (what, fields = {}) => {
    const line = encodeJson({ at: new Date().toISOString(), what, ...fields })
    try {
      sink(line)
    } catch {
      // A full disk under the log must not stop the ingest.
    }
  }
}
