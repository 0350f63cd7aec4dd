/** What a person changes of the outbox by hand: without `--yes` each of these only says what it would do. */
import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { Safety } from '../../project/gate.ts'
import type { Keeper } from '../../workers/store/keeper.ts'
import type { Selection } from '../../workers/store/selection.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { durationOption } from '../options.ts'

const OLD = '30d'

abstract class QueueChangingCommand extends KittiwakeCommand {
  yes = Option.Boolean('--yes', false, { description: 'Do it; without, it is only said' })

  override get safety(): Safety {
    return this.yes ? 'unsafe' : 'safe'
  }

  protected async changeOrTell(
    selection: Selection,
    done: (keeper: Keeper) => number,
    words: { readonly will: string; readonly has: string },
  ): Promise<Result> {
    const { change, look } = await import('../outbox.ts')
    const { cwd } = this.context
    const count = this.yes
      ? await change(cwd, done, 0)
      : await look(cwd, (reader) => reader.selected(selection))
    const text = this.yes
      ? `${count} ${words.has}.`
      : `${count} ${words.will}.${count === 0 ? '' : ' Do it with `--yes`.'}`
    return { fields: { dry_run: !this.yes, count }, text }
  }
}

export class QueueRetryCommand extends QueueChangingCommand {
  static override paths = [['queue', 'retry']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Events',
    description: 'Put refused events back, to be sent as if for the first time',
    details:
      'Name events, a reason, or all. Damaged events are never sent and stay where they are.',
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
    const filter = {
      ...(this.ids.length === 0 ? {} : { event_ids: this.ids }),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    }
    return this.changeOrTell({ purpose: 'retry', ...filter }, (keeper) => keeper.retry(filter), {
      will: 'refused events would be sent again',
      has: 'refused events are sent again',
    })
  }
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
      will: 'events would be removed',
      has: 'events are removed',
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
      will: 'events would lose their content',
      has: 'events have lost their content',
    })
  }
}

/** @throws UsageError STATE_UNKNOWN */
function stateOf(text: string | undefined): 'delivered' | 'quarantined' | undefined {
  if (text === undefined || text === 'delivered' || text === 'quarantined') return text
  throw new UsageError('STATE_UNKNOWN', 'only delivered and quarantined events are purged')
}
