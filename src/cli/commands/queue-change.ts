/** What a person changes of the outbox by hand: without `--yes` each of these only says what it would do. */
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { normaliseId } from '../../contracts/values/event-id.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { Keeper } from '../../workers/store/keeper.ts'
import type { Selection } from '../../workers/store/selection.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { stateText } from './queue.ts'
import { durationOption } from '../options.ts'

const OLD = '30d'

/** Of one event, and of another number of them. */
type Words = readonly [one: string, many: string]

type Told = {
  readonly fields: { readonly dry_run: boolean; readonly count: number }
  readonly text: string
}

abstract class QueueChangingCommand extends KittiwakeCommand {
  yes = Option.Boolean('--yes', false, { description: 'Do it; without, it is only said' })

  override get safety(): Safety {
    return this.yes ? 'unsafe' : 'safe'
  }

  protected async changeOrTell(
    selection: Selection,
    done: (keeper: Keeper) => number,
    words: { readonly will: Words; readonly has: Words },
  ): Promise<Told> {
    const { change, look } = await import('../outbox.ts')
    const { cwd } = this.context
    const count = this.yes
      ? await change(cwd, done, 0)
      : await look(cwd, (reader) => reader.selected(selection))
    const text = this.yes
      ? `${counted(count, ...words.has)}.`
      : `${counted(count, ...words.will)}.${count === 0 ? '' : ' Do it with `--yes`.'}`
    return { fields: { dry_run: !this.yes, count }, text }
  }
}

export class QueueRetryCommand extends QueueChangingCommand {
  static override paths = [['queue', 'retry']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Put refused events back, to be sent as if for the first time',
    details:
      'Name events, a reason, or all. Damaged events are never sent and stay where they are. ' +
      `Of several events those that are there are put back; exit code ${EXIT.failed} says that some are not there.`,
    examples: [
      ['All of a reason', 'kittiwake queue retry --reason invalid_event --yes'],
      ['All', 'kittiwake queue retry --all --yes'],
    ],
  })

  reason = Option.String('--reason', { description: 'What the hub said' })
  all = Option.Boolean('--all', false, { description: 'Whatever was refused' })
  ids = Option.Rest({ name: 'id' })

  async run(): Promise<Result> {
    const ways = [this.ids.length > 0, this.reason !== undefined, this.all].filter(Boolean)
    if (ways.length !== 1) {
      throw new UsageError('SELECTION_MISSING', 'name events, or --reason, or --all', {
        hint: 'See `kittiwake queue list --state quarantined`.',
      })
    }
    if (this.ids.length > 0) return this.#retryNamed()
    return this.#retry(this.reason === undefined ? {} : { reason: this.reason })
  }

  /** What there is of them is put back, whatever else was named. @throws StoreError EVENT_UNKNOWN where there is none */
  async #retryNamed(): Promise<Result> {
    const named = [...new Set(this.ids.map((id) => normaliseId(id) ?? id))]
    const { eventUnknown, look } = await import('../outbox.ts')
    const found = await look(this.context.cwd, (reader) => reader.standing(named))
    const known = new Set(found.map((one) => one.event_id))
    const unknown = named.filter((id) => !known.has(id))
    if (unknown.length === named.length) throw eventUnknown(unknown.length)
    const kept = found.filter(({ retries }) => retries === 0)
    const told = await this.#retry({ event_ids: named })
    const lines = [
      told.text,
      ...kept.map((one) => `${one.event_id} stays ${stateText(one)}.`),
      ...(unknown.length === 0 ? [] : [`Not in the outbox: ${unknown.map(shownId).join(', ')}.`]),
    ]
    return {
      fields: {
        ...told.fields,
        unchanged: kept.map(({ event_id, state }) => ({ event_id, state })),
        unknown: unknown.map(shownId),
      },
      text: lines.join('\n'),
      exit: unknown.length === 0 ? EXIT.ok : EXIT.failed,
    }
  }

  #retry(filter: Pick<Selection, 'event_ids' | 'reason'>): Promise<Told> {
    return this.changeOrTell({ purpose: 'retry', ...filter }, (keeper) => keeper.retry(filter), {
      will: ['refused event would be sent again', 'refused events would be sent again'],
      has: ['refused event is sent again', 'refused events are sent again'],
    })
  }
}

/** Whatever else was typed may be a secret. */
function shownId(id: string): string {
  return normaliseId(id) === null ? '(not an event id)' : id
}

export class QueuePurgeCommand extends QueueChangingCommand {
  static override paths = [['queue', 'purge']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Remove events that are delivered or refused, with their ids',
    details:
      'Never one that waits, is held, or that another hub has still to get. See also `kittiwake sync purge`.',
    examples: [['What was refused', 'kittiwake queue purge --state quarantined --yes']],
  })

  state = Option.String('--state', { description: 'delivered or quarantined; default both' })
  reason = Option.String('--reason', { description: 'What the hub said' })
  olderThan = Option.String('--older-than', { description: 'Such as 30d, 12h or 5m' })

  async run(): Promise<Result> {
    const state = stateOf(this.state)
    const filter = {
      ...(state === undefined ? {} : { state }),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.olderThan === undefined
        ? {}
        : { before: Date.now() - durationOption('--older-than', this.olderThan, 0) }),
    }
    return this.changeOrTell({ purpose: 'purge', ...filter }, (keeper) => keeper.purge(filter), {
      will: ['event would be removed', 'events would be removed'],
      has: ['event is removed', 'events are removed'],
    })
  }
}

export class QueueGcCommand extends QueueChangingCommand {
  static override paths = [['queue', 'gc']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Remove the content of old events that every hub has',
    details: `Their ids stay, so that none of them is taken for a new one. Default: older than ${OLD}.`,
    examples: [['Older than a week', 'kittiwake queue gc --older-than 7d --yes']],
  })

  olderThan = Option.String('--older-than', OLD, { description: 'Such as 30d, 12h or 5m' })

  async run(): Promise<Result> {
    const before = Date.now() - durationOption('--older-than', this.olderThan, 0)
    return this.changeOrTell({ purpose: 'collect', before }, (keeper) => keeper.collect(before), {
      will: ['event would lose its content', 'events would lose their content'],
      has: ['event has lost its content', 'events have lost their content'],
    })
  }
}

/** @throws UsageError STATE_UNKNOWN */
function stateOf(text: string | undefined): 'delivered' | 'quarantined' | undefined {
  if (text === undefined || text === 'delivered' || text === 'quarantined') return text
  throw new UsageError('STATE_UNKNOWN', 'only delivered and quarantined events are purged')
}
