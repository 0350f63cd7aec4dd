import { resolve } from 'node:path'
import { Option } from 'clipanion'
import type { EntryResult } from '../../conformance.ts'
import { EXIT } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

export class ConformanceRunCommand extends KittiwakeCommand {
  static override paths = [['conformance', 'run']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Contracts',
    description: 'Run a manifest of conformance data and say what was not found as it says',
    details: `The folder holds manifest.json and fixtures/; by default it is the package's own, of streams that its reducers answer for. Exit code ${EXIT.failed} says that an entry failed.`,
    examples: [
      ["The package's own", 'kittiwake conformance run'],
      ['A folder', 'kittiwake conformance run ../conformance'],
    ],
  })

  folder = Option.String({ required: false, name: 'DIR' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { runConformance } = await import('../../conformance.ts')
    const { conformanceFolder } = await import('../../project/program-files.ts')
    const { folder } = this
    const entries = runConformance(
      folder === undefined ? conformanceFolder() : resolve(this.context.cwd, folder),
    )
    const failed = entries.filter(({ state }) => state === 'failed')
    const rows = tally(entries).map(({ kind, passed, failed: bad, skipped }) =>
      [kind, passed, bad, skipped].map(String),
    )
    const table = columns([['KIND', 'PASSED', 'FAILED', 'SKIPPED'], ...rows])
    const faults = columns(failed.map(({ id, path, detail }) => [id, path, detail ?? '']))
    return {
      fields: { passed: failed.length === 0, kinds: tally(entries), failed, entries },
      text: [table, faults].filter((part) => part !== '').join('\n\n'),
      exit: failed.length === 0 ? EXIT.ok : EXIT.failed,
    }
  }
}

type Tally = {
  readonly kind: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

function tally(entries: readonly EntryResult[]): readonly Tally[] {
  const kinds = [...new Set(entries.map(({ kind }) => kind))].sort()
  return kinds.map((kind) => {
    const of = (state: EntryResult['state']): number =>
      entries.filter((entry) => entry.kind === kind && entry.state === state).length
    return { kind, passed: of('passed'), failed: of('failed'), skipped: of('skipped') }
  })
}
