import { Option } from 'clipanion'
import type { WorkPackage } from '../../contracts/ledgers/fold-status.ts'
import { EXIT, InputError, UsageError } from '../../errors.ts'
import type { Runtime } from '../../runtime.ts'
import type { PackageMove } from '../../work-package-input.ts'
import type { Moved } from '../../work-packages.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { readObject, readTextArgument } from '../input.ts'
import { columns, oneLine } from '../output.ts'

abstract class MovingCommand extends KittiwakeCommand {
  protected override readonly threads = ['git', 'store'] as const
  // What is deferred was tried before the move, and the move's own commit has just been tried.
  protected override readonly healsDeferred = false

  protected async record(work: (runtime: Runtime) => Promise<Moved>): Promise<Result> {
    const { moved, message } = await this.withRuntime(async (runtime) => {
      let why: string | null = null
      runtime.on('deferred', (deferral) => (why = deferral.message))
      return { moved: await work(runtime), message: why as string | null }
    })
    if (!moved.committed) {
      this.warn(
        'COMMIT_DEFERRED',
        `recorded, but the commit is deferred (${moved.deferred_reason}): ${message}`,
      )
    }
    const { wp_id, from_lane, to_lane } = moved
    const forced = moved.force ? ' (forced)' : ''
    const commit = moved.committed
      ? `commit ${moved.commit}`
      : `commit deferred (${moved.deferred_reason})`
    return {
      fields: moved,
      text: `${wp_id}: ${from_lane} ► ${to_lane}${forced}, ${commit}`,
      exit: moved.committed ? EXIT.ok : EXIT.deferred,
    }
  }
}

const MISSION = { required: true, description: 'Directory name, slug or ULID' } as const

export class WpCreateCommand extends MovingCommand {
  static override paths = [['wp', 'create']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Make a work package of a mission; it starts in the lane planned',
    examples: [['The first', 'kittiwake wp create WP01 --mission login --title "Sign in"']],
  })

  id = Option.String({ required: true, name: 'WP' })
  mission = Option.String('--mission', MISSION)
  title = Option.String('--title', { description: 'What it is about; default its id' })
  dependsOn = Option.Array('--depends-on', [], {
    description: 'A work package that comes first; repeatable',
  })
  actor = Option.String('--actor', { description: 'Who makes it; default cli' })

  run(): Promise<Result> {
    return this.record((runtime) =>
      runtime.workPackages.create({
        mission: this.mission,
        wp_id: this.id,
        depends_on: this.dependsOn,
        ...(this.title === undefined ? {} : { title: this.title }),
        ...(this.actor === undefined ? {} : { actor: this.actor }),
      }),
    )
  }
}

export class WpMoveCommand extends MovingCommand {
  static override paths = [['wp', 'move']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Move a work package to another lane; the move is committed',
    details: `The move is checked against the table of lanes, and refused with what it needs. \`--force\` goes past the table and asks for \`--reason\`. Exit code ${EXIT.deferred} says that the move is recorded but its commit is deferred.`,
    examples: [
      ['Begin', 'kittiwake wp move WP01 in_progress --mission login'],
      [
        'After a review',
        `kittiwake wp move WP01 approved --mission login --review-result '{"reviewer":"rita","verdict":"approved","reference":"PR 7"}'`,
      ],
    ],
  })

  id = Option.String({ required: true, name: 'WP' })
  lane = Option.String({ required: true, name: 'LANE' })
  mission = Option.String('--mission', MISSION)
  actor = Option.String('--actor', { description: 'Who moves it; default cli' })
  reason = Option.String('--reason', { description: 'Why it is moved' })
  force = Option.Boolean('--force', false, { description: 'Past the table of lanes' })
  reviewRef = Option.String('--review-ref', { description: 'Where the findings of a review are' })
  evidence = Option.String('--evidence', { description: 'JSON, @FILE or -' })
  reviewResult = Option.String('--review-result', { description: 'JSON, @FILE or -' })
  executionMode = Option.String('--execution-mode', { description: 'worktree or direct_repo' })

  async run(): Promise<Result> {
    const mode = this.executionMode
    if (mode !== undefined && mode !== 'worktree' && mode !== 'direct_repo') {
      throw new UsageError('EXECUTION_MODE', 'the execution mode is worktree or direct_repo')
    }
    if (this.evidence === '-' && this.reviewResult === '-') {
      throw new UsageError('INPUT_TWICE', 'standard input can be only one of them')
    }
    const evidence = await this.#object('--evidence', this.evidence)
    const result = await this.#object('--review-result', this.reviewResult)
    const move: PackageMove = {
      mission: this.mission,
      wp_id: this.id,
      to: this.lane,
      force: this.force,
      ...(this.actor === undefined ? {} : { actor: this.actor }),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.reviewRef === undefined ? {} : { review_ref: this.reviewRef }),
      ...(mode === undefined ? {} : { execution_mode: mode }),
      // Checked at the door like whatever a program hands in.
      ...(evidence as Pick<PackageMove, 'evidence'>),
      ...(result as Pick<PackageMove, 'review_result'>),
    }
    return this.record((runtime) => runtime.workPackages.move(move))
  }

  async #object(option: '--evidence' | '--review-result', argument: string | undefined) {
    if (argument === undefined) return {}
    const key = option.slice(2).replace('-', '_')
    try {
      return { [key]: readObject(await readTextArgument(argument, this.context)) }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      const { code, message, hint } = error
      throw new InputError(code, `${option}: ${message}`, hint === null ? {} : { hint })
    }
  }
}

export class WpListCommand extends KittiwakeCommand {
  static override paths = [['wp', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: "List a mission's work packages, where they are and where they may go",
    examples: [['All of one mission', 'kittiwake wp list --mission login']],
  })

  mission = Option.String('--mission', MISSION)

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { exitsOf } = await import('../../contracts/ledgers/lanes.ts')
    const { packages, titles } = await readFold(this, this.mission)
    const listed = [...packages.values()].map((found) => ({
      wp_id: found.wp_id,
      title: titles[found.wp_id] ?? null,
      lane: found.lane,
      actor: lastOf(found)?.actor ?? null,
      since: lastOf(found)?.at ?? null,
      may_move_to: exitsOf(found.lane),
    }))
    const hasTitles = listed.some(({ title }) => title !== null)
    const rows = listed.map(({ wp_id, title, lane, since, may_move_to }) => [
      oneLine(wp_id),
      ...(hasTitles ? [title ?? ''] : []),
      lane,
      since ?? '',
      may_move_to.join(', '),
    ])
    return {
      fields: { work_packages: listed },
      text: rows.length === 0 ? 'No work packages.' : columns(rows),
    }
  }
}

export class WpHistoryCommand extends KittiwakeCommand {
  static override paths = [['wp', 'history']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Work packages',
    description: 'Show the moves of a work package',
    examples: [['Of one', 'kittiwake wp history WP01 --mission login']],
  })

  id = Option.String({ required: true, name: 'WP' })
  mission = Option.String('--mission', MISSION)

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { packageId } = await import('../../work-package-input.ts')
    const wpId = packageId(this.id)
    const { packages } = await readFold(this, this.mission)
    const found = packages.get(wpId)
    if (found === undefined) {
      throw new InputError('WP_UNKNOWN', `the mission has no work package ${wpId}`, {
        hint: 'See `kittiwake wp list`.',
      })
    }
    const rows = found.transitions.map(({ at, from_lane, to_lane, actor, force, reason }) => [
      at,
      `${from_lane} ► ${to_lane}${force ? ' (forced)' : ''}`,
      oneLine(typeof actor === 'string' ? actor : (actor.tool ?? actor.role ?? '')),
      oneLine(reason ?? ''),
    ])
    return {
      fields: { wp_id: wpId, lane: found.lane, transitions: found.transitions, slots: found.slots },
      text: columns(rows),
    }
  }
}

function lastOf(found: WorkPackage) {
  return found.transitions.at(-1)
}

async function readFold(command: KittiwakeCommand, reference: string) {
  const { locateRepository } = await import('../../project/git/locate.ts')
  const { readMission } = await import('../../project/missions/missions.ts')
  const { readStatus } = await import('../../workers/git/logs/status-log.ts')
  const repository = await locateRepository(command.context.cwd)
  const { packageTitles } = await import('../../package-titles.ts')
  const mission = await readMission(repository, reference)
  const { fold, skipped } = await readStatus(repository, mission)
  command.warnOfLines(skipped)
  return {
    packages: fold.packages,
    titles: await packageTitles(repository, mission, fold.packages.values()),
  }
}
