import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { ListedEvent } from '../../workers/store/list-events.ts'
import type { OutboxReader } from '../../workers/store/outbox-reader.ts'
import type { EventState } from '../../workers/store/protocol.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { limitOption } from '../options.ts'
import { columns } from '../output.ts'

const STATES = ['pending', 'inflight', 'delivered', 'quarantined', 'held'] as const
const LIMIT = 10_000
const LIMIT_MAX = 100_000

export class QueueListCommand extends KittiwakeCommand {
  static override paths = [['queue', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'List the events of the outbox, oldest first',
    examples: [['What was refused', 'kittiwake queue list --state quarantined']],
  })

  state = Option.String('--state', { description: `One of ${STATES.join(', ')}` })
  limit = Option.String('--limit', String(LIMIT), {
    description: `From 1 to ${LIMIT_MAX} events; default ${LIMIT}`,
  })

  async run(): Promise<Result> {
    const { state } = this
    if (state !== undefined && !isState(state)) {
      throw new UsageError('STATE_UNKNOWN', `a state is one of ${STATES.join(', ')}`)
    }
    const limit = limitOption('--limit', this.limit, LIMIT_MAX)
    const { openReader } = await import('../outbox.ts')
    const reader = await openReader(this.context.cwd)
    try {
      const found = read(reader, state, limit + 1)
      const events = found.slice(0, limit)
      const more = found.length > limit
      if (more) this.warn(`there are more than ${limit}; see more with \`--limit\``)
      const rows = events.map((row) => [
        row.event?.event_id ?? 'unreadable',
        row.event?.event_type ?? '',
        row.state,
        row.reason ?? '',
      ])
      return { fields: { events, more }, text: rows.length === 0 ? 'No events.' : columns(rows) }
    } finally {
      reader.close()
    }
  }
}

export class QueueStatsCommand extends KittiwakeCommand {
  static override paths = [['queue', 'stats']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Count the events of the outbox by state',
    examples: [['Counts', 'kittiwake queue stats']],
  })

  async run(): Promise<Result> {
    const { openReader } = await import('../outbox.ts')
    const reader = await openReader(this.context.cwd)
    try {
      const counts = reader.counts()
      const { capacity } = reader.capacityUse()
      const rows = STATES.map((state) => [state, String(counts[state])])
      return {
        fields: { counts, capacity, oldest_age_ms: reader.oldestUndeliveredAgeMs(Date.now()) },
        text: columns([...rows, ['capacity', String(capacity)]]),
      }
    } finally {
      reader.close()
    }
  }
}

/** Page by page, because a page ends where it grows too large. */
function read(
  reader: OutboxReader,
  state: EventState | undefined,
  limit: number,
): readonly ListedEvent[] {
  const found: ListedEvent[] = []
  const filter = state === undefined ? {} : { state }
  while (found.length < limit) {
    const after = found.at(-1)?.sequence ?? 0
    const page = reader.list({ limit: limit - found.length, after, ...filter })
    if (page.length === 0) break
    found.push(...page)
  }
  return found
}

function isState(text: string): text is EventState {
  return STATES.some((state) => state === text)
}
