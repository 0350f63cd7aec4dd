import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { EXIT } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'

export class MergeDriverCommand extends KittiwakeCommand {
  static override paths = [['merge-driver']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Merge a log, for git: the union of both sides by event id',
    details: `Git calls it once \`kittiwake hooks install\` has named it. Exit code ${EXIT.failed} leaves a conflict.`,
    examples: [['As git calls it', 'kittiwake merge-driver %O %A %B %P']],
  })

  base = Option.String({ required: true, name: 'BASE' })
  ours = Option.String({ required: true, name: 'OURS' })
  theirs = Option.String({ required: true, name: 'THEIRS' })
  place = Option.String({ required: false, name: 'PATH' })

  // It writes the file that git hands it; to refuse that would leave a conflict.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateGitDirectory } = await import('../../project/git/locate.ts')
    const { driveMerge } = await import('../../workers/git/logs/merge-driver.ts')
    const { cwd } = this.context
    const files = {
      base: resolve(cwd, this.base),
      ours: resolve(cwd, this.ours),
      theirs: resolve(cwd, this.theirs),
      path: this.place ?? this.ours,
    }
    const { clean, message } = await driveMerge(files, await locateGitDirectory(cwd))
    if (message !== null) this.warn('MERGE_CONFLICT', `${files.path}: ${message}`)
    return { fields: { clean }, text: '', exit: clean ? EXIT.ok : EXIT.failed }
  }
}
