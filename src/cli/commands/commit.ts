import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { oneLine } from '../output.ts'

export class CommitCommand extends KittiwakeCommand {
  static override paths = [['commit']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Commit exactly these paths, onto exactly this branch',
    details:
      'What is staged, the stash and a merge under way stay as they are, and hooks are not run. The branch must be the one that the worktree has checked out. Paths are as from here; those of a mission lie in its worktree, below `.worktrees`.',
    examples: [
      [
        "A mission's plan",
        'kittiwake commit --mission login -m "Plan" .worktrees/login-coord/kitty-specs/login/plan.md',
      ],
      ['A branch', 'kittiwake commit --ref topic -m "Two files" a.txt docs'],
    ],
  })

  mission = Option.String('--mission', { description: 'Directory name, slug or ULID' })
  ref = Option.String('--ref', { description: 'The branch, by its short name' })
  message = Option.String('-m,--message', { required: true, description: 'What the commit does' })
  named = Option.Rest({ required: 1, name: 'PATH…' })

  async run(): Promise<Result> {
    const { mission, ref } = this
    if ((mission === undefined) === (ref === undefined)) {
      throw new UsageError('COMMIT_TARGET', 'either --mission or --ref is expected')
    }
    const { commit } = await import('../../commit.ts')
    const { root, worktree, branch } = await this.#place()
    const making = commit({
      root,
      worktree,
      ref: branch,
      message: this.message,
      paths: this.named.map((path) => resolve(this.context.cwd, path)),
    })
    // Also where nothing was left to commit: the frame of an earlier commit may have been.
    await Promise.allSettled([making])
    await this.nudge()
    const made = await making
    for (const { code, message } of made.warnings) this.warn(code, message)
    const { sha, changed_files } = made
    return {
      fields: { sha, ref: made.ref, changed_files },
      text: [`${sha} on ${made.ref}`, ...changed_files.map((path) => `  ${oneLine(path)}`)].join(
        '\n',
      ),
    }
  }

  async #place(): Promise<{ root: string; worktree: string; branch: string }> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const repository = await locateRepository(this.context.cwd)
    if (this.mission === undefined) return { ...repository, branch: this.ref ?? '' }
    const { readMission } = await import('../../project/missions/missions.ts')
    const { resolvePlacement } = await import('../../project/missions/placement.ts')
    const mission = await readMission(repository, this.mission)
    const { worktree, ref } = await resolvePlacement(repository, mission)
    return { root: repository.root, worktree, branch: ref.slice('refs/heads/'.length) }
  }
}
