import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT } from '../../errors.ts'
import { CONTRACT_VERSION, REQUIRED_SCHEMA } from '../../project/contract-version.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import type { CheckoutUpgrade } from '../../project/upgrade/upgrade.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns, oneLine } from '../output.ts'

export class UpgradeCommand extends KittiwakeCommand {
  static override paths = [['upgrade']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description:
      'Bring the files of this project, and of its worktrees, to what this program writes',
    details: `To contract ${CONTRACT_VERSION}, schema ${REQUIRED_SCHEMA}. Where all is done already, nothing is written. What fails leaves the schema as it was; the next run goes on from there.`,
    examples: [
      ['What it would do', 'kittiwake upgrade --dry-run'],
      ['Do it', 'kittiwake upgrade'],
    ],
  })

  dryRun = Option.Boolean('--dry-run', false, { description: 'Say what would be done, only' })
  yes = Option.Boolean('--yes', false, {
    description: 'Also where the metadata file is unusable: it is kept beside a new one',
  })
  target = Option.String('--target', CONTRACT_VERSION, {
    description: `The contract to come to; ${CONTRACT_VERSION} alone ends with a project that may be written to`,
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { upgradeProject } = await import('../../project/upgrade/upgrade.ts')
    const { dryRun, target } = this
    const options = { dryRun, target, mayReplace: this.yes }
    const { primary, linked } = await upgradeProject(this.context.cwd, options)
    const all = [primary, ...linked]
    const success = all.every(({ status }) => status !== 'failed')
    return {
      fields: {
        status: primary.status,
        success,
        dry_run: dryRun,
        current_version: primary.from.version,
        target_version: target,
        schema_version: { before: primary.from.schema, required: REQUIRED_SCHEMA },
        migrations: primary.migrations,
        unusable: primary.unusable,
        kept: primary.kept,
        worktrees: linked.map(fieldsOf),
      },
      text: all.map(textOf).join('\n'),
      exit: success ? EXIT.ok : EXIT.failed,
    }
  }
}

function fieldsOf({ root, status, from, migrations, unusable, kept, error }: CheckoutUpgrade) {
  const reason = error === null ? null : error.toJSON()
  return { root, status, current_version: from.version, migrations, unusable, kept, error: reason }
}

const WORDS: Readonly<Record<CheckoutUpgrade['status'], string>> = {
  up_to_date: 'up to date',
  upgraded: `upgraded to ${CONTRACT_VERSION}`,
  would_upgrade: `would be upgraded to ${CONTRACT_VERSION}`,
  failed: 'not upgraded',
}

function textOf(checkout: CheckoutUpgrade): string {
  const { root, status, from, migrations, unusable, kept, error } = checkout
  const was = from.version === null ? '' : ` from ${from.version}`
  const rows = migrations
    .filter((one) => one.status !== 'skipped')
    .map((one) => [`  ${one.status}`, one.description, counted(one.paths.length, 'file')])
  const byHand = migrations.filter((one) => one.status === 'manual').flatMap(({ paths }) => paths)
  return [
    `${root}: ${WORDS[status]}${status === 'up_to_date' ? '' : was}`,
    ...(rows.length === 0 ? [] : [columns(rows)]),
    ...(byHand.length === 0
      ? []
      : ['  first run the upgrade of the program that wrote them (`spec-kitty upgrade`):']),
    ...byHand.map((path) => `    ${oneLine(path)}`),
    ...(status === 'would_upgrade' && unusable
      ? ['  only with `--yes`: the metadata file is unusable, and would be kept beside a new one']
      : []),
    ...(kept === null ? [] : [`  the unusable file is kept as .kittify/${kept}`]),
    ...(error === null ? [] : [`  ${error.message} (${error.code})`]),
  ].join('\n')
}
