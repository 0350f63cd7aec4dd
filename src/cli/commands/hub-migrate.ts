import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { Result } from '../command.ts'
import { NatsCommand } from '../nats-command.ts'
import { dataDirectory } from './hub.ts'

export class HubMigrateCommand extends NatsCommand {
  static override paths = [['hub', 'migrate']]
  static override usage = NatsCommand.Usage({
    category: 'Hub',
    description: "Move a hub's data into NATS for several hubs, or out of it for one alone",
    details:
      'No hub may serve meanwhile. The target must hold nothing; what it got is read again and compared row by row, and where it came from stays as it is. Tokens and webhooks move too, logins of browsers end. A move into NATS that was ended goes on when it is asked again.',
    examples: [
      [
        'For several hubs',
        'kittiwake hub migrate --from sqlite --to nats --data hub --nats nats://127.0.0.1:4222',
      ],
      [
        'And back',
        'kittiwake hub migrate --from nats --to sqlite --data alone --nats nats://127.0.0.1:4222',
      ],
    ],
  })

  from = Option.String('--from', {
    required: true,
    description: 'Where the data is: `sqlite` or `nats`',
  })
  to = Option.String('--to', { required: true, description: 'Where it goes: the other one' })
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const way = `${this.from} ${this.to}`
    if (way !== 'sqlite nats' && way !== 'nats sqlite') {
      throw new UsageError(
        'HUB_MIGRATION',
        'data moves from sqlite to nats, or from nats to sqlite',
        {
          hint: 'Say `--from sqlite --to nats`, or `--from nats --to sqlite`.',
        },
      )
    }
    const nats = this.natsOptions()
    const { migrateFromNats, migrateToNats } = await import('../../hub/nats/migrate.ts')
    const dataDir = await dataDirectory(this.data, this.context.cwd)
    const migrate = way === 'sqlite nats' ? migrateToNats : migrateFromNats
    const { projects, events, commits, lines, sum } = await migrate({ dataDir, nats })
    const next =
      way === 'sqlite nats'
        ? 'Serve each hub with `--backend nats` and a new data folder of its own.'
        : 'Serve the folder without `--backend`.'
    const moved = `${counted(projects, 'project')}, ${counted(events, 'event')}, ${counted(commits, 'commit')}, ${counted(lines, 'row of ledgers', 'rows of ledgers')}`
    return {
      fields: { projects, events, commits, lines, digest: sum },
      text: `Moved, and read again: ${moved}. ${next}`,
    }
  }
}
