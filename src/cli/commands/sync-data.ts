/** What a person decides about data that was recorded: to release what was held, or to take a project off this machine. */
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { ProjectError, UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { HistoryPreview } from '../../workers/store/history.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/

export class SyncImportHistoryCommand extends KittiwakeCommand {
  static override paths = [['sync', 'import-history']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Release what was recorded before the team was to see it',
    details:
      'Shows how many events are held that were recorded without consent, from when and of which types, and a hash over exactly these; with `--ledgers`, how much the logs of decisions and work packages hold. What is confirmed by its hash is released; where it has changed meanwhile, nothing is.',
    examples: [
      ['What is held', 'kittiwake sync import-history --dry-run'],
      ['Release it', 'kittiwake sync import-history --confirm HASH'],
      ['What the ledgers hold', 'kittiwake sync import-history --ledgers'],
    ],
  })

  dryRun = Option.Boolean('--dry-run', false, { description: 'Show, only; this is the default' })
  confirm = Option.String('--confirm', { description: 'The hash that was shown' })
  ledgers = Option.Boolean('--ledgers', false, { description: 'The logs of missions, as history' })

  override get safety(): Safety {
    return this.confirm === undefined ? 'safe' : 'unsafe'
  }

  async run(): Promise<Result> {
    const { cwd } = this.context
    const { change, look } = await import('../outbox.ts')
    const hash = this.confirm
    if (hash === undefined && this.ledgers) return this.#showLedgers()
    if (hash === undefined) {
      const shown = await look(cwd, (reader) => reader.history())
      return { fields: { released: false, ...fieldsOf(shown) }, text: textOf(shown) }
    }
    if (this.dryRun || !HASH.test(hash)) {
      throw new UsageError('CONFIRM_INVALID', 'to confirm takes the hash that was shown, alone', {
        hint: 'See `kittiwake sync import-history`.',
      })
    }
    if (this.ledgers) return this.#releaseLedgers(hash)
    const { NO_HISTORY } = await import('../../workers/store/history.ts')
    const released = await change(cwd, (keeper) => keeper.release(hash, Date.now()), NO_HISTORY)
    const text = `Released ${counted(released.count, 'event')}, to be sent with the next delivery.`
    return { fields: { released: true, ...fieldsOf(released) }, text }
  }

  async #showLedgers(): Promise<Result> {
    const { previewLedgers } = await import('../../workers/git/logs/ledger-history.ts')
    const shown = await previewLedgers(await this.#commonDir())
    const rows = Object.entries(shown).map(([name, value]) => [name, String(value)])
    const text =
      shown.missions === 0
        ? 'No ledger holds anything.'
        : `${columns(rows)}\nRelease them with \`kittiwake sync import-history --ledgers --confirm HASH\`.`
    return { fields: { released: false, ...shown }, text }
  }

  /** @throws StoreError NO_CONSENT, HISTORY_CHANGED */
  async #releaseLedgers(hash: string): Promise<Result> {
    const { look } = await import('../outbox.ts')
    const consent = await look(this.context.cwd, (reader) => reader.consent())
    const { historyWithoutConsent } = await import('../../workers/store/history.ts')
    if (consent !== 'granted') throw historyWithoutConsent()
    const { releaseLedgers } = await import('../../workers/git/logs/ledger-history.ts')
    const released = await releaseLedgers(await this.#commonDir(), hash)
    const text = `Released ${counted(released.rows, 'row')} of ${counted(released.missions, 'mission')}, to be sent by the next link to a hub that takes them.`
    return { fields: { released: true, ...released }, text }
  }

  async #commonDir(): Promise<string> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    return (await locateRepository(this.context.cwd)).commonDir
  }
}

export class SyncPurgeCommand extends KittiwakeCommand {
  static override paths = [['sync', 'purge']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Take everything of one project out of the state directory',
    details:
      'Events, what became of them, consent and the link; delivered or not. What lies in the repository stays, and so does your login. Without `--yes` it is only said.',
    examples: [
      ['What there is', 'kittiwake sync purge'],
      ['Remove it', 'kittiwake sync purge --yes'],
    ],
  })

  project = Option.String('--project', { description: 'Its uuid; default the one of this folder' })
  yes = Option.Boolean('--yes', false, { description: 'Do it; without, it is only said' })

  override get safety(): Safety {
    return this.yes ? 'unsafe' : 'safe'
  }

  async run(): Promise<Result> {
    const { stateDirectory } = await import('../../project/state-directory.ts')
    const state = stateDirectory(process.env)
    const uuid = await this.#uuid()
    if (this.yes) {
      const { letGo } = await import('../../background/nudge.ts')
      const { purgeProject } = await import('../../workers/store/purge-project.ts')
      await letGo(state, uuid)
      const purged = purgeProject(state, uuid)
      const text = purged ? 'Everything of the project is removed.' : 'There was nothing of it.'
      return { fields: { dry_run: false, project_uuid: uuid, purged }, text }
    }
    const { OutboxReader } = await import('../../workers/store/outbox-reader.ts')
    const { projectOutbox } = await import('../../workers/store/outbox-place.ts')
    const reader = OutboxReader.open(projectOutbox(state, uuid))
    try {
      const counts = reader.counts()
      const consent = reader.consent()
      const rows = Object.entries(counts).map(([name, count]) => [name, String(count)])
      return {
        fields: { dry_run: true, project_uuid: uuid, purged: false, consent, counts },
        text: `${columns([['consent', consent], ...rows])}\nAll of it would be removed. Do it with \`--yes\`.`,
      }
    } finally {
      reader.close()
    }
  }

  async #uuid(): Promise<string> {
    const { project } = this
    if (project !== undefined && UUID.test(project)) return project
    if (project !== undefined) {
      throw new UsageError('PROJECT_INVALID', '--project is a uuid in lower case', {
        hint: 'See `kittiwake sync status` in the project.',
      })
    }
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { identityOrNull } = await import('../../project/identity.ts')
    const identity = await identityOrNull(await locateRepository(this.context.cwd))
    if (identity !== null) return identity.uuid
    throw new ProjectError('NO_IDENTITY', 'this repository has no project identity', {
      hint: 'Name the project with --project.',
    })
  }
}

function fieldsOf({ oldest_at: oldest, newest_at: newest, ...preview }: HistoryPreview) {
  return { ...preview, oldest: timeOf(oldest), newest: timeOf(newest) }
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

function textOf(preview: HistoryPreview): string {
  if (preview.count === 0) return 'Nothing is held.'
  const { oldest, newest } = fieldsOf(preview)
  const rows = [
    ['events', String(preview.count)],
    ['from', `${oldest} to ${newest}`],
    ...Object.entries(preview.types).map(([type, count]) => [`  ${type}`, String(count)]),
    ['hash', preview.hash],
  ]
  return `${columns(rows)}\nRelease them with \`kittiwake sync import-history --confirm HASH\`.`
}
