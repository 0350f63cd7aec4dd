/** What the ledger is told of its repository, and the logs of the missions in it. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Placement, Repository } from '../../project/types.ts'
import { CommitGraph } from './commit-graph.ts'
import type { Signature } from './commit.ts'
import { DurableFs } from './durable-fs.ts'
import type { OnStep } from './durable-fs.ts'
import { MissionLog } from './mission-log.ts'

export type LedgerOptions = {
  readonly repository: Repository
  /** Read at use: a project gets its identity while this runs. */
  readonly identity: () => Promise<{ readonly uuid: string; readonly build_id: string } | null>
  /** By the mission's directory name. */
  readonly placementOf: (mission: string) => Promise<Placement>
  /** Directory names. */
  readonly missions: () => Promise<readonly string[]>
  readonly protectedBranches: () => Promise<readonly string[] | null>
  readonly author: () => Promise<Signature>
  /** The sanitizer at this write boundary; throws where the value is not clean. */
  readonly assertClean: (value: unknown) => void
  /** Called before each change of the disk. */
  readonly onStep?: OnStep
}

export class MissionLogs {
  readonly fs: DurableFs
  readonly #options: LedgerOptions
  #packs = { cache: {}, changedAt: 0 }

  constructor(options: LedgerOptions) {
    this.fs = new DurableFs(options.repository.commonDir, options.onStep)
    this.#options = options
  }

  /** isomorphic-git's cache of packs. */
  get cache(): object {
    return this.#packs.cache
  }

  async log(placement: Placement): Promise<MissionLog> {
    const onStep = this.#options.onStep ?? (() => undefined)
    return new MissionLog(placement, await this.graph(), this.fs, onStep)
  }

  /** Of the missions that have one now. */
  async placements(): Promise<readonly Placement[]> {
    const placements: Placement[] = []
    for (const mission of await this.#options.missions()) {
      const placement = await this.#options.placementOf(mission).catch(() => null)
      if (placement !== null) placements.push(placement)
    }
    return placements
  }

  /** Directory names of the missions that have a log in their worktree. */
  async missionsWithLog(): Promise<readonly string[]> {
    const missions: string[] = []
    for (const placement of await this.placements()) {
      const log = await this.log(placement)
      if (await log.exists().catch(() => false)) missions.push(placement.mission.directory)
    }
    return missions
  }

  /** A cached pack may be gone after a repack, so the cache lives as long as the folder of packs is unchanged. */
  async graph(): Promise<CommitGraph> {
    const { commonDir } = this.#options.repository
    const packs = await stat(join(commonDir, 'objects', 'pack')).catch(() => null)
    const changedAt = packs?.mtimeMs ?? 0
    if (changedAt !== this.#packs.changedAt) this.#packs = { cache: {}, changedAt }
    return new CommitGraph(commonDir, this.#packs.cache)
  }
}
