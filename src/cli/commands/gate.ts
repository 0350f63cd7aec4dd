import { Option } from 'clipanion'
import { EXIT } from '../../errors.ts'
import type { GatePlan, Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

export class GateCommand extends KittiwakeCommand {
  static override paths = [['gate']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description:
      'Tell whether commands that write may run on this project, and why not; reads only',
    details: `Exits with the code that such a command would: ${EXIT.ok} where it may run, ${EXIT.migrationNeeded} where the project needs an upgrade, ${EXIT.programTooOld} where it is newer than this program, ${EXIT.metadataCorrupt} where .kittify/metadata.yaml can't be used.`,
    examples: [
      ['A command that writes', 'kittiwake gate'],
      ['This one', 'kittiwake gate -- glossary verify --repair'],
    ],
  })

  words = Option.Rest({ name: 'word' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { planGate } = await import('../../project/upgrade/gate.ts')
    const plan = await planGate(this.context.cwd, this.#safetyOf(this.words))
    return { fields: plan, text: textOf(plan), exit: plan.exit_code }
  }

  /** Of no words, and of words that name no command: unsafe. */
  #safetyOf(words: readonly string[]): Safety {
    try {
      const command = this.cli.process([...words], this.context)
      return command instanceof KittiwakeCommand ? command.safety : 'unsafe'
    } catch {
      return 'unsafe'
    }
  }
}

function textOf({
  decision,
  safety,
  project,
  pending_migrations: pending,
  rendered_human: why,
}: GatePlan) {
  const rows = [
    ['decision', decision],
    ['command', safety],
    ['project', project.state],
    ['schema', project.schema_version === null ? 'none' : String(project.schema_version)],
    ...pending.map((one) => ['to do', one.description]),
  ]
  return why === '' ? columns(rows) : `${columns(rows)}\n${why}`
}
