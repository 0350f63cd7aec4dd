import { readFileSync } from 'node:fs'
import { KittiwakeCommand, type Result } from '../command.ts'

export class VersionCommand extends KittiwakeCommand {
  static override paths = [['--version'], ['-v']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Help',
    description: 'Print the version',
    examples: [['The version', 'kittiwake --version']],
  })

  async run(): Promise<Result> {
    const version = packageVersion()
    return { fields: { version, node: process.versions.node, schema: '3.0.0' }, text: version }
  }
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
