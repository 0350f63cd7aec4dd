/** What is in the outbox; nothing here changes it. */
import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { normaliseId } from '../../contracts/values/event-id.ts'
import { UsageError } from '../../errors.ts'
import type { ListedEvent, ListOptions } from '../../workers/store/list-events.ts'
import type { OutboxReader } from '../../workers/store/outbox-reader.ts'
import type { EventState } from '../../workers/store/protocol.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import { limitOption } from '../options.ts'
import { columns, streamJson } from '../output.ts'

const STATES = ['pending', 'inflight', 'delivered', 'quarantined', 'held', 'superseded'] as const
const LIMIT = 10_000
const LIMIT_MAX = 100_000
const PAGE = 1_000

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

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const filter = filterOf(this.state)
    const limit = limitOption('--limit', this.limit, LIMIT_MAX)
    const { look } = await import('../outbox.ts')
    const found = await look(this.context.cwd, (reader) => read(reader, filter, limit + 1))
    const events = found.slice(0, limit)
    const more = found.length > limit
    if (more) this.warn('LIST_CUT', `there are more than ${limit}; see more with \`--limit\``)
    const rows = events.map((row) => [
      row.event_id,
      row.event?.event_type ?? 'unreadable',
      row.state,
      row.reason ?? '',
    ])
    return { fields: { events, more }, text: rows.length === 0 ? 'No events.' : columns(rows) }
  }
}

export class QueueStatsCommand extends KittiwakeCommand {
  static override paths = [['queue', 'stats']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Count the events of the outbox by state',
    examples: [['Counts', 'kittiwake queue stats']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { look } = await import('../outbox.ts')
    const { counts, reasons, removed, use, age } = await look(this.context.cwd, (reader) => ({
      counts: reader.counts(),
      reasons: reader.reasons(),
      removed: reader.removed(),
      use: reader.capacityUse(),
      age: reader.oldestUndeliveredAgeMs(Date.now()),
    }))
    const { capacity, undelivered, isNearlyFull } = use
    const percent = Math.floor((undelivered / capacity) * 100)
    if (isNearlyFull)
      this.warn(
        'OUTBOX_NEARLY_FULL',
        `the outbox is ${percent} % full; nothing is dropped to make room`,
      )
    const rows = STATES.map((state) => [state, String(counts[state])])
    const why = Object.entries(reasons).map(([reason, count]) => [`  ${reason}`, String(count)])
    return {
      fields: {
        counts,
        reasons,
        removed,
        capacity,
        undelivered,
        nearly_full: isNearlyFull,
        oldest_age_ms: age,
      },
      text: columns([
        ...rows,
        ...why,
        ['removed', String(removed)],
        ['capacity', String(capacity)],
      ]),
    }
  }
}

export class QueueShowCommand extends KittiwakeCommand {
  static override paths = [['queue', 'show']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Show one event of the outbox, and what became of it',
    examples: [['An event', 'kittiwake queue show 01JZZZZZZZZZZZZZZZZZZZZZZZ']],
  })

  id = Option.String({ name: 'ID' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { eventUnknown, look } = await import('../outbox.ts')
    const event_id = normaliseId(this.id) ?? this.id
    const [found] = await look(this.context.cwd, (reader) => reader.list({ event_id }))
    if (found === undefined) throw eventUnknown(1)
    const { event, attempts } = found
    const rows = [
      ['state', stateText(found)],
      ['attempts', String(attempts)],
      ['recorded', new Date(found.recorded_at).toISOString()],
    ]
    return { fields: found, text: `${columns(rows)}\n${JSON.stringify(event, null, 2)}` }
  }
}

export class QueueExportCommand extends KittiwakeCommand {
  static override paths = [['queue', 'export']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Write the events of the outbox to a file, a JSON document a line',
    details:
      'The file must be a new one; only you may read it. Without one, the lines are printed. Each line tells what became of its event, too; with `--bare` it is the event alone, as `kittiwake validate` and `kittiwake replay` read it.',
    examples: [
      ['What was refused', 'kittiwake queue export --state quarantined --out refused.jsonl'],
      ['To be validated', 'kittiwake queue export --bare --out events.jsonl'],
    ],
  })

  state = Option.String('--state', { description: `One of ${STATES.join(', ')}` })
  out = Option.String('--out', { description: 'A file that is not there yet' })
  bare = Option.Boolean('--bare', false, { description: 'The events alone, as they are sent' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const filter = filterOf(this.state)
    const { out, bare } = this
    if (this.json && out === undefined) {
      throw new UsageError('OUT_MISSING', 'with --json the events go to a file', {
        hint: 'Name one with --out.',
      })
    }
    const { look } = await import('../outbox.ts')
    if (out === undefined) {
      const { stdout } = this.context
      await look(this.context.cwd, async (reader) => {
        for (const row of rowsOf(reader, filter)) await streamJson(stdout, bare ? row.event : row)
      })
      return STREAMED
    }
    const { exportInto } = await import('../export-file.ts')
    const path = resolve(this.context.cwd, out)
    const count = await look(this.context.cwd, (reader) =>
      exportInto(path, documentsOf(rowsOf(reader, filter), bare)),
    )
    return { fields: { count }, text: `Exported ${counted(count, 'event')}.` }
  }
}

/** With the reason, where there is one. */
export function stateText({ state, reason }: Pick<ListedEvent, 'state' | 'reason'>): string {
  return reason === null ? state : `${state} (${reason})`
}

function* rowsOf(
  reader: OutboxReader,
  filter: Pick<ListOptions, 'state'>,
): Iterable<Omit<ListedEvent, 'sequence'>> {
  for (let after = 0; ;) {
    const page = reader.list({ ...filter, after, limit: PAGE })
    for (const { sequence: _, ...row } of page) yield row
    const last = page.at(-1)
    if (last === undefined) return
    after = last.sequence
  }
}

function* documentsOf(
  rows: Iterable<Omit<ListedEvent, 'sequence'>>,
  bare: boolean,
): Iterable<string> {
  for (const row of rows) yield JSON.stringify(bare ? row.event : row)
}

/** Page by page, because a page ends where it grows too large. */
function read(
  reader: OutboxReader,
  filter: Pick<ListOptions, 'state'>,
  limit: number,
): readonly ListedEvent[] {
  const found: ListedEvent[] = []
  while (found.length < limit) {
    const after = found.at(-1)?.sequence ?? 0
    const page = reader.list({ limit: limit - found.length, after, ...filter })
    if (page.length === 0) break
    found.push(...page)
  }
  return found
}

/** @throws UsageError STATE_UNKNOWN */
function filterOf(state: string | undefined): Pick<ListOptions, 'state'> {
  if (state === undefined) return {}
  if (isState(state)) return { state }
  throw new UsageError('STATE_UNKNOWN', `a state is one of ${STATES.join(', ')}`)
}

function isState(text: string): text is EventState {
  return STATES.some((state) => state === text)
}
