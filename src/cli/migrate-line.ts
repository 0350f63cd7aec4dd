/** What `migrate-events` makes of one line. */
import { readEventText } from '../contracts/event-text.ts'
import { migrateEvent } from '../contracts/migrate.ts'

type Migrated =
  | { readonly text: string; readonly isCurrent: boolean }
  | { readonly text: null; readonly reason: string }

export function migrated(text: string): Migrated {
  const read = readEventText(text)
  const [fault] = read.violations
  // A number that was not kept exactly would be written as another one.
  if (!read.ok || fault !== undefined) return { text: null, reason: fault?.message ?? 'no JSON' }
  const found = migrateEvent(read.value)
  if (found.state === 'unnormalizable') {
    return { text: null, reason: [found.reason, ...found.shape_hints].join(', ') }
  }
  if (found.state === 'current') return { text: text.trim(), isCurrent: true }
  const [first] = found.verdict.violations
  if (first === undefined) return { text: JSON.stringify(found.canonical), isCurrent: false }
  return { text: null, reason: `${first.path.join('.')}: ${first.message} (${first.code})` }
}
