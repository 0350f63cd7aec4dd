import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { UsageError } from '../../errors.ts'
import type { SharedRetainRequest } from '../../hub/nats/retain-shared.ts'
import type { Emptied } from '../../hub/data/retention.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { NatsCommand } from '../nats-command.ts'
import { asideText } from './hub-data.ts'
import { dataDirectory, keepOption } from './hub.ts'

export class HubRetainCommand extends NatsCommand {
  static override paths = [['hub', 'retain']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Empty events and commits that came before so many days, from the files too',
    details:
      'Without --yes it says how many. The hub must not serve; `hub serve --keep-days` does the same beside it, but leaves the file as large as it is. Hubs that share what they hold are told with `--nats`, and may serve. Rows of ledgers and clarifications of terms stay, as boards and glossary are made of them, and of each event its id, number and hash. Backups, and data that a restore kept aside, are left as they are.',
    examples: [
      ['How much is older', 'kittiwake hub retain --keep-days 90'],
      ['Empty it', 'kittiwake hub retain --keep-days 90 --yes'],
      [
        'Of hubs that share',
        'kittiwake hub retain --nats nats://127.0.0.1:4222 --keep-days 90 --yes',
      ],
    ],
  })

  keepDays = Option.String('--keep-days', { required: true, description: 'Days that stay' })
  team = Option.String('--team', { description: 'With --project: its team' })
  project = Option.String('--project', { description: 'UUID of one project; default all' })
  yes = Option.Boolean('--yes', false, { description: 'Empty them' })
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const keepMs = keepOption(this.keepDays) ?? 0
    const project = this.#project()
    if (this.nats !== undefined) return this.#retainShared({ before: Date.now() - keepMs, project })
    const { countOlder, retainHub } = await import('../../hub/upkeep/retain.ts')
    const dataDir = await dataDirectory(this.data, this.context.cwd)
    const request = { dataDir, keepMs, project }
    if (!this.yes) return wouldEmpty(countOlder(request))
    const retained = retainHub(request)
    const { events, commits, kept_aside } = retained
    const text = `Emptied ${counted(events, 'event')} and ${counted(commits, 'commit')}.${asideText(kept_aside)}`
    return { fields: { dry_run: false, ...retained }, text }
  }

  async #retainShared(request: Pick<SharedRetainRequest, 'before' | 'project'>): Promise<Result> {
    const { retainShared } = await import('../../hub/nats/retain-shared.ts')
    const nats = this.natsOptions()
    const emptied = await retainShared({ ...request, nats, isDryRun: !this.yes })
    if (!this.yes) return wouldEmpty(emptied)
    const { events, commits } = emptied
    const text = `Emptied ${counted(events, 'event')} and ${counted(commits, 'commit')}; each hub empties what it holds as it learns of it.`
    return { fields: { dry_run: false, ...emptied }, text }
  }

  #project(): { readonly team: string; readonly project: string } | null {
    const { team, project } = this
    if (team === undefined && project === undefined) return null
    if (team !== undefined && project !== undefined) return { team, project }
    throw new UsageError('HUB_RETAIN_OPTIONS', '--team and --project go together', {
      hint: 'Name both, or leave both out for all projects.',
    })
  }
}

function wouldEmpty({ events, commits }: Emptied): Result {
  const text = `Older: ${counted(events, 'event')} and ${counted(commits, 'commit')}; --yes empties them.`
  return { fields: { dry_run: true, events, commits }, text }
}
