import { packageVersion } from '../../project/program-files.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'

export class VersionCommand extends KittiwakeCommand {
  static override paths = [['--version'], ['-v']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Help',
    description: 'Print the version',
    examples: [['The version', 'kittiwake --version']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const version = packageVersion()
    return { fields: { version, node: process.versions.node, schema: '3.0.0' }, text: version }
  }
}
