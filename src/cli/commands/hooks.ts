import { Option } from 'clipanion'
import { errorDocument, EXIT } from '../../errors.ts'
import type { SetupPart } from '../../hooks.ts'
import { MAIN } from '../../project/program-files.ts'
import type { Program } from '../../project/hooks/program-line.ts'
import type { Repository } from '../../project/types.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

/** Longer than any look takes; nobody waits for it, but it must not pile up. */
const LOOK_MAX_MS = 30_000

const PROGRAM: Program = {
  node: process.execPath,
  main: MAIN,
}

abstract class SetupCommand extends KittiwakeCommand {
  protected async locate(): Promise<Repository> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    return locateRepository(this.context.cwd)
  }

  protected answer(parts: readonly SetupPart[], exit: number): Result {
    const rows = parts.map(({ name, state, message }) => [name, state, message ?? ''])
    return { fields: { parts }, text: columns(rows), exit }
  }
}

export class HooksInstallCommand extends SetupCommand {
  static override paths = [['hooks', 'install']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Have git merge logs by event id and note native commits at once',
    details: `Lines in .gitattributes, the merge driver in the configuration of this clone, and lines in its hooks. What is there stays; exit code ${EXIT.failed} says that something of yours stands in the place of a part.`,
    examples: [['In each clone, once', 'kittiwake hooks install']],
  })

  async run(): Promise<Result> {
    const { installHooks } = await import('../../hooks.ts')
    const parts = await installHooks(await this.locate(), PROGRAM)
    if (parts.some(({ name, changed }) => changed && name === '.gitattributes')) {
      this.warn('ATTRIBUTES_CHANGED', '.gitattributes is for all clones: commit it')
    }
    const isWhole = parts.every(({ state }) => state === 'installed')
    return this.answer(parts, isWhole ? EXIT.ok : EXIT.failed)
  }
}

export class HooksUninstallCommand extends SetupCommand {
  static override paths = [['hooks', 'uninstall']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Take out what hooks install put in',
    details: 'The lines in .gitattributes stay: they belong to all clones.',
    examples: [['In this clone', 'kittiwake hooks uninstall']],
  })

  async run(): Promise<Result> {
    const { uninstallHooks } = await import('../../hooks.ts')
    return this.answer(await uninstallHooks(await this.locate(), PROGRAM), EXIT.ok)
  }
}

export class HooksStatusCommand extends SetupCommand {
  static override paths = [['hooks', 'status']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Show what hooks install has set up in this clone',
    examples: [['What is installed', 'kittiwake hooks status']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { readHooks } = await import('../../hooks.ts')
    return this.answer(await readHooks(await this.locate(), PROGRAM), EXIT.ok)
  }
}

export class HooksRunCommand extends KittiwakeCommand {
  static override paths = [['hooks', 'run']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Repository',
    description: 'Note the commits that a hook of git tells of',
    details: 'It makes no commit and always ends with 0, so that git goes on.',
    examples: [['In a hook of your own', 'kittiwake hooks run post-commit']],
  })

  hook = Option.String({ required: true, name: 'HOOK' })

  // Git goes on either way: it asks the gate itself.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const limit = setTimeout(() => process.exit(EXIT.ok), LOOK_MAX_MS).unref()
    const { lookAtBranches } = await import('../../hooks.ts')
    const { passGate } = await import('../../project/upgrade/gate.ts')
    try {
      await passGate(this.context.cwd)
      const pending = await lookAtBranches(this.context.cwd)
      if (pending > 0) await this.nudge()
      return { fields: { pending_commits: pending }, text: '' }
    } catch (error) {
      const { message } = errorDocument(error).error
      this.warn('COMMITS_NOT_NOTED', `the commits are noted by the next command: ${message}`)
      return { fields: { pending_commits: null }, text: '' }
    } finally {
      clearTimeout(limit)
    }
  }
}
