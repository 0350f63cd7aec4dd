import type { Check } from '../../doctor/check.ts'
import { EXIT } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

export class DoctorCommand extends KittiwakeCommand {
  static override paths = [['doctor']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Help',
    description: 'Check the machine, the project, the outbox and every ledger; reads only',
    details: `Exit code ${EXIT.failed} says that something needs mending; each line says what.`,
    examples: [['Check', 'kittiwake doctor']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { examine } = await import('../../doctor.ts')
    const checks = await examine(this.context.cwd)
    return resultOf(checks)
  }
}

/** One line for each look, and below them what to do, each thing once. */
export function resultOf(checks: readonly Check[]): Result {
  const healthy = checks.every((check) => check.state !== 'failed')
  const rows = checks.map((check) => [check.state, check.name, check.detail])
  const hints = checks.flatMap((check) => (check.hint === null ? [] : [check.hint]))
  return {
    fields: { healthy, checks },
    text: [columns(rows), ...new Set(hints)].join('\n'),
    exit: healthy ? EXIT.ok : EXIT.failed,
  }
}
