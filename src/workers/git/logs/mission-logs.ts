/** What the ledger is told of its repository, and the logs of the missions in it. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Author } from '../../../project/bookkeeper.ts'
import type { Identity, Mission, Placement, Repository } from '../../../project/types.ts'
import { CommitGraph, GraphMemory } from '../objects/commit-graph.ts'
import { DurableFs } from '../disk/durable-fs.ts'
import type { OnStep } from '../disk/durable-fs.ts'
import type { MissionLedger } from './dirty-journal.ts'
import type { Clean } from './lines-of-commit.ts'
import { LOG_NAME, MissionLog } from './mission-log.ts'
import { LEDGERS } from '../protocol.ts'
import type { LedgerName } from '../protocol.ts'
import type { Warnings } from '../warnings.ts'

export type LedgerOptions = {
  readonly repository: Repository
  /** Read at use: a project gets its identity while this runs. */
  readonly identity: () => Promise<Pick<Identity, 'uuid' | 'build_id' | 'slug'> | null>
  /** By the mission's directory name. */
  readonly placementOf: (mission: string) => Promise<Placement>
  /** Those that are not known yet, by their directory names. */
  readonly missions: (isKnown: (directory: string) => boolean) => readonly Mission[]
  readonly protectedBranches: () => Promise<readonly string[] | null>
  readonly author: () => Promise<Author>
  /** The sanitizer at this write boundary; throws where the value is not clean. */
  readonly assertClean: (value: unknown) => void
  /** Removes what must not leave from lines on their way to a hub; where it is absent none leaves. */
  readonly clean?: Clean
  /** For who is started behind somebody's back: the scopes' files, which are theirs, stay as they are. */
  readonly leavesSeeds?: boolean
  /** Called before each change of the disk. */
  readonly onStep?: OnStep
}

export class MissionLogs {
  readonly fs: DurableFs
  readonly #options: LedgerOptions
  readonly #warnings: Warnings
  #memory = new GraphMemory()
  #stamp = ''

  constructor(options: LedgerOptions, warnings: Warnings) {
    this.fs = new DurableFs(options.repository.commonDir, options.onStep)
    this.#options = options
    this.#warnings = warnings
  }

  /** Of packs and processes. */
  get cache(): object {
    return this.#memory.cache
  }

  async log(placement: Placement, ledger: LedgerName): Promise<MissionLog> {
    const onStep = this.#options.onStep ?? (() => undefined)
    const onTorn = (): void =>
      this.#warnings.add(
        'LOG_TAIL_MOVED',
        `The unfinished end of ${LOG_NAME[ledger]} of ${placement.mission.directory} was moved into a side file.`,
      )
    const hands = { fs: this.fs, onStep, onTorn }
    return new MissionLog(placement, ledger, await this.graph(), hands)
  }

  /** The ledgers that missions have in their worktrees. */
  async present(): Promise<readonly MissionLedger[]> {
    const present: MissionLedger[] = []
    for (const { directory } of this.#options.missions(() => false)) {
      const placement = await this.#options.placementOf(directory).catch(() => null)
      if (placement === null) continue
      for (const ledger of LEDGERS) {
        const log = await this.log(placement, ledger)
        if (await log.exists().catch(() => false)) present.push({ mission: directory, ledger })
      }
    }
    return present
  }

  /** What was packed, pruned or fetched may be other than it was; until then an object stays what it is. */
  async graph(): Promise<CommitGraph> {
    const { commonDir } = this.#options.repository
    const places = ['objects/pack', 'shallow', 'objects/info/alternates']
    const stamp = (
      await Promise.all(places.map((place) => changedAt(join(commonDir, place))))
    ).join(' ')
    if (stamp !== this.#stamp || this.#memory.isFull) this.#memory = new GraphMemory()
    this.#stamp = stamp
    return new CommitGraph(commonDir, this.#memory)
  }
}

async function changedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0
}
