import { Option } from 'clipanion'
import { UsageError } from '../../errors.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'

export class MissionCreateCommand extends KittiwakeCommand {
  protected override readonly threads = ['git'] as const

  static override paths = [['mission', 'create']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description: 'Create a mission with its coordination branch and worktree',
    details: 'No commit is made. `single_branch` keeps the mission on the target branch.',
    examples: [['A mission named login', 'kittiwake mission create login']],
  })

  slug = Option.String({ required: true, name: 'SLUG' })
  topology = Option.String('--topology', 'coord', { description: 'coord or single_branch' })
  target = Option.String('--target', { description: 'The branch the mission works towards' })

  async run(): Promise<Result> {
    const { topology } = this
    if (topology !== 'coord' && topology !== 'single_branch') {
      throw new UsageError('TOPOLOGY_UNKNOWN', 'the topology is coord or single_branch')
    }
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { createMission } = await import('../../project/missions/mission-create.ts')
    const repository = await locateRepository(this.context.cwd)
    const mission = await createMission(repository, {
      slug: this.slug,
      topology,
      ...(this.target === undefined ? {} : { target: this.target }),
    })
    const { directory, mission_id, branch, worktree } = mission
    const { followNewMissions } = await import('../../workers/git/frames/mission-branches.ts')
    // The mission is made either way, and is followed from the next look on.
    await followNewMissions(repository).then(
      (warnings) => warnings.forEach(({ code, message }) => this.warn(code, message)),
      (error: unknown) => this.warnOf(error),
    )
    const { readDeferrals } = await import('../../workers/git/logs/dirty-journal.ts')
    const deferred = await readDeferrals(repository.commonDir)
    if (deferred.length > 0) await this.withRuntime(async () => undefined)
    else await this.nudge()
    return {
      fields: { mission_slug: directory, mission_id, branch, worktree },
      text: `Created mission ${directory} on ${branch}\nCommit kitty-specs/${directory}, so that others have the mission.`,
    }
  }
}

export class MissionListCommand extends KittiwakeCommand {
  static override paths = [['mission', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description: 'List the missions of this repository',
    examples: [['All missions', 'kittiwake mission list']],
  })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { listMissions } = await import('../../project/missions/missions.ts')
    const found = await listMissions(await locateRepository(this.context.cwd))
    for (const { directory, fault } of found.unreadable)
      this.warn('MISSION_UNREADABLE', `${directory}: ${fault}`)
    const missions = found.missions.map((mission) => ({
      mission_slug: mission.directory,
      mission_id: mission.mission_id,
      topology: mission.topology,
      branch: mission.coordination_branch ?? mission.target_branch,
    }))
    const rows = missions.map((mission) => [
      mission.mission_slug,
      mission.mission_id,
      mission.topology,
      mission.branch,
    ])
    return {
      fields: { missions, unreadable: found.unreadable },
      text: rows.length === 0 ? 'No missions.' : columns(rows),
    }
  }
}

export class MissionBranchContextCommand extends KittiwakeCommand {
  static override paths = [['mission', 'branch-context']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Project',
    description:
      'Show where you stand and where the work goes, for agents and templates; reads only',
    examples: [
      ['Towards the branch that is checked out', 'kittiwake mission branch-context'],
      ['Towards another', 'kittiwake mission branch-context --target-branch release'],
    ],
  })

  target = Option.String('--target-branch', { description: 'Default the one that is checked out' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    const { branchContext } = await import('../../project/missions/branch-context.ts')
    const repository = await locateRepository(this.context.cwd)
    const found = branchContext(repository, this.target ?? null, new Date())
    const shown = ['current_branch', 'target_branch', 'primary_branch', 'recommended_strategy']
    const word = (key: string): string => {
      const value = found[key]
      return typeof value === 'string' ? value : 'unknown'
    }
    const rows = shown.map((key) => [key.replaceAll('_', ' '), word(key)])
    return { fields: found, text: `${columns(rows)}\n${word('next_step')}` }
  }
}
