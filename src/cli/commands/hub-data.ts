import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { DeadLetter } from '../../hub/entries.ts'
import type { Verification } from '../../hub/upkeep/verify.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { NatsCommand } from '../nats-command.ts'
import { columns } from '../output.ts'
import { dataDirectory } from './hub.ts'

/** Of damaged rows, in the text. */
const SHOWN_MAX = 20

abstract class HubDataCommand extends KittiwakeCommand {
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  protected dataDir(): Promise<string> {
    return dataDirectory(this.data, this.context.cwd)
  }
}

export class HubBackupCommand extends HubDataCommand {
  static override paths = [['hub', 'backup']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: "Write the hub's data into one file, while it serves or not, and check the file",
    details: `Exit code ${EXIT.failed} says that something in the data is damaged.`,
    examples: [['Tonight', 'kittiwake hub backup --out hub-backup.db']],
  })

  out = Option.String('--out', { required: true, description: 'A file that is not there yet' })

  async run(): Promise<Result> {
    const { backupHub } = await import('../../hub/upkeep/backup.ts')
    const file = resolve(this.context.cwd, this.out)
    const verification = backupHub(await this.dataDir(), file)
    return resultOf(verification, { file }, 'The backup is written')
  }
}

export class HubRestoreCommand extends HubDataCommand {
  static override paths = [['hub', 'restore']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: "Put a backup in the place of the hub's data, which is kept aside",
    details:
      'The hub must not serve. It begins a new epoch, so that clients send again what came after the backup. A backup of a hub that shares what it holds makes a new hub beside the others, in a folder without data, which reads of their log only what came since.',
    examples: [['From a file', 'kittiwake hub restore --from hub-backup.db --yes']],
  })

  from = Option.String('--from', { required: true, description: 'What `hub backup` wrote' })
  yes = Option.Boolean('--yes', false, { description: 'Replace the data of the hub' })

  async run(): Promise<Result> {
    if (!this.yes) {
      throw new UsageError('HUB_RESTORE_UNCONFIRMED', "a restore replaces the hub's data", {
        hint: 'Say so with --yes; what is there now is kept aside.',
      })
    }
    const { restoreHub } = await import('../../hub/upkeep/backup.ts')
    const file = resolve(this.context.cwd, this.from)
    const restoration = restoreHub(await this.dataDir(), file)
    const { events, commits, before, shared } = restoration
    const kept = before === null ? '' : ` What was there before is in ${before}.`
    const how = shared
      ? 'a copy of what hubs share, which goes on from there when it is served'
      : 'under a new epoch'
    const text = `Restored ${counted(events, 'event')} and ${counted(commits, 'commit')}, ${how}.${kept}`
    return { fields: restoration, text }
  }
}

export class HubVerifyCommand extends HubDataCommand {
  static override paths = [['hub', 'verify']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: "Check the hub's data: the file, each row by its checksum, each project's numbers",
    details: `Reads only, while the hub serves or not. Exit code ${EXIT.failed} says that something is wrong.`,
    examples: [['The data', 'kittiwake hub verify']],
  })

  async run(): Promise<Result> {
    const { verifyHub } = await import('../../hub/upkeep/verify.ts')
    return resultOf(verifyHub(await this.dataDir()), {}, 'The data is whole')
  }
}

export class HubExportCommand extends HubDataCommand {
  static override paths = [['hub', 'export']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Write the events of a project to a file, a JSON document a line, as they came',
    details: `The file must be a new one; only you may read it. \`kittiwake replay\` and \`kittiwake validate\` read it. Exit code ${EXIT.failed} says that some events are damaged; they are left out.`,
    examples: [
      [
        'One project',
        'kittiwake hub export --team core --project 0b9b1ee4-21b9-4f7e-9d25-6c7f7f3f4d1c --out events.jsonl',
      ],
    ],
  })

  team = Option.String('--team', { required: true, description: 'Team that the project is of' })
  project = Option.String('--project', { required: true, description: 'UUID of the project' })
  out = Option.String('--out', { required: true, description: 'A file that is not there yet' })

  async run(): Promise<Result> {
    const { exportInto } = await import('../export-file.ts')
    const { exportEvents } = await import('../../hub/upkeep/export.ts')
    const { team, project } = this
    const path = resolve(this.context.cwd, this.out)
    const request = { dataDir: await this.dataDir(), team, project }
    const { events, damaged } = exportEvents(request, (lines) => exportInto(path, lines))
    const isWhole = damaged.length === 0
    const left = isWhole ? '' : ` Damaged and left out: ${damaged.slice(0, SHOWN_MAX).join(', ')}.`
    return {
      fields: { events, damaged },
      text: `Exported ${counted(events, 'event')}.${left}`,
      exit: isWhole ? EXIT.ok : EXIT.failed,
    }
  }
}

export class HubDeleteCommand extends NatsCommand {
  static override paths = [['hub', 'delete']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Delete all that the hub holds of a project, from its files too',
    details:
      'The hub must not serve; hubs that share what they hold are told with `--nats`, and may. Tokens stay; webhooks of the project end. Backups, and data that a restore kept aside, are left as they are.',
    examples: [
      [
        'One project',
        'kittiwake hub delete --team core --project 0b9b1ee4-21b9-4f7e-9d25-6c7f7f3f4d1c --yes',
      ],
    ],
  })

  team = Option.String('--team', { required: true, description: 'Team that the project is of' })
  project = Option.String('--project', { required: true, description: 'UUID of the project' })
  yes = Option.Boolean('--yes', false, { description: 'Delete it' })
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    if (!this.yes) {
      throw new UsageError('HUB_DELETE_UNCONFIRMED', 'what is deleted does not come back', {
        hint: 'Write it to a file first with `kittiwake hub export`, then say --yes.',
      })
    }
    const { team, project } = this
    if (this.nats !== undefined) return this.deleteShared()
    const { deleteProject } = await import('../../hub/upkeep/delete-project.ts')
    const dataDir = await dataDirectory(this.data, this.context.cwd)
    const deletion = deleteProject({ dataDir, team, project })
    const { events, commits, lines, kept_aside } = deletion
    const counts = `${counted(events, 'event')}, ${counted(commits, 'commit')} and ${counted(lines, 'row of ledgers', 'rows of ledgers')}`
    const text = `Deleted ${counts}.${asideText(kept_aside)}`
    return { fields: deletion, text }
  }

  private async deleteShared(): Promise<Result> {
    const { deleteShared } = await import('../../hub/nats/delete-shared.ts')
    const deletion = await deleteShared(this.natsOptions(), this.team, this.project)
    const text = `Deleted ${counted(deletion.messages, 'message')} of the stream; each hub deletes what it holds as it learns of it.`
    return { fields: deletion, text }
  }
}

export class HubDeadLettersCommand extends NatsCommand {
  static override paths = [['hub', 'dead-letters']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'List the events that were refused for good: which, whose and why',
    details:
      'While the hub serves or not; of hubs that share what they hold with `--nats`. The latest 10,000 are kept, of an event the last time, and nothing of what it said. Who sent it has it still, with the same code.',
    examples: [['All of them', 'kittiwake hub dead-letters']],
  })

  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const letters = await this.#letters()
    const dead_letters = letters.map(({ refused_at, ...letter }) => {
      return { ...letter, refused_at: new Date(refused_at).toISOString() }
    })
    const rows = dead_letters.map((one) => [
      one.refused_at,
      one.team,
      one.project_uuid ?? '-',
      one.event_id,
      one.category,
      one.token_id,
    ])
    return {
      fields: { dead_letters },
      text: rows.length === 0 ? 'No event was refused.' : columns(rows),
    }
  }

  async #letters(): Promise<readonly DeadLetter[]> {
    if (this.nats !== undefined) {
      const { listShared } = await import('../../hub/nats/dead-stream.ts')
      return listShared(this.natsOptions())
    }
    const { listDeadLetters } = await import('../../hub/data/dead-letters-table.ts')
    return listDeadLetters(await dataDirectory(this.data, this.context.cwd))
  }
}

/** What a restore kept aside, for a command that leaves it. */
export function asideText(kept_aside: readonly string[]): string {
  return kept_aside.length === 0 ? '' : ` Kept aside, and left: ${kept_aside.join(', ')}.`
}

function resultOf(verification: Verification, fields: object, done: string): Result {
  const { sound, events, commits } = verification
  const count = `${counted(events, 'event')}, ${counted(commits, 'commit')}`
  return {
    fields: { ...fields, ...verification },
    text: [`${done}: ${count}.`, ...faultLines(verification)].slice(sound ? 0 : 1).join('\n'),
    exit: sound ? EXIT.ok : EXIT.failed,
  }
}

function faultLines({ faults, damaged, gaps, missing }: Verification): readonly string[] {
  return [
    ...faults,
    ...damaged.events.map((seq) => `event ${seq} is damaged`),
    ...damaged.commits.map((seq) => `commit ${seq} is damaged`),
    ...damaged.lines.map((seq) => `ledger row ${seq} is damaged`),
    ...gaps.map(({ project_uuid, from, to }) => `${project_uuid} lacks ${from} to ${to}`),
    ...(missing.events > 0 ? [missingText(missing.events, 'event')] : []),
    ...(missing.commits > 0 ? [missingText(missing.commits, 'commit')] : []),
    ...(missing.lines > 0 ? [missingText(missing.lines, 'ledger row')] : []),
  ]
}

function missingText(count: number, what: string): string {
  return `missing at the end: ${counted(count, what)}`
}
