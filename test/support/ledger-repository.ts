/** A real repository with missions as `mission create` leaves them: coordination branches in linked worktrees. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { GitRepository } from './git-repository.ts'

type LedgerOptions = ConstructorParameters<typeof Ledger>[0]
type Placement = Awaited<ReturnType<LedgerOptions['placementOf']>>
type RequestedRecord = Parameters<Ledger['request']>[1]
type AnsweredRecord = Parameters<Ledger['answer']>[1]

export const IDENTITY = {
  uuid: '5f0c6e0e-3c5b-4d53-9c5a-0f0d5f3e8a11',
  build_id: '0b6f8a44-6f0e-4f3c-8a3e-7d1d0c9b2a10',
  slug: 'pier',
}
export const AUTHOR = { name: 'Kittiwake', email: 'kittiwake@localhost' }

export class LedgerRepository {
  readonly git: GitRepository
  readonly #placements = new Map<string, Placement>()

  constructor() {
    this.git = GitRepository.withCommit(['-b', 'main'])
  }

  get root(): string {
    return this.git.root
  }

  get commonDir(): string {
    return join(this.root, '.git')
  }

  /** A mission with a branch and a worktree of its own; answers its directory name. */
  createMission(slug: string): string {
    const mission_id = ulid()
    const directory = `${slug}-${mission_id.slice(0, 8)}`
    const branch = `kitty/mission-${directory}`
    const worktree = join(this.root, '.worktrees', `${directory}-coord`)
    mkdirSync(join(this.root, '.worktrees'), { recursive: true })
    this.git.git('worktree', 'add', '-q', '-b', branch, worktree, 'main')
    this.#placements.set(directory, {
      mission: {
        directory,
        mission_id,
        slug,
        topology: 'coord',
        target_branch: 'main',
        coordination_branch: branch,
      },
      worktree,
      gitDir: this.git.gitIn(worktree, 'rev-parse', '--absolute-git-dir').trim(),
      commonDir: this.commonDir,
      ref: `refs/heads/${branch}`,
      missionPath: join(worktree, 'kitty-specs', directory),
    })
    return directory
  }

  /** A mission on `main`, in the primary checkout; answers its directory name. */
  createShared(slug: string): string {
    const mission_id = ulid()
    const directory = `${slug}-${mission_id.slice(0, 8)}`
    this.#placements.set(directory, {
      mission: {
        directory,
        mission_id,
        slug,
        topology: 'single_branch',
        target_branch: 'main',
        coordination_branch: null,
      },
      worktree: this.root,
      gitDir: this.commonDir,
      commonDir: this.commonDir,
      ref: 'refs/heads/main',
      missionPath: join(this.root, 'kitty-specs', directory),
    })
    return directory
  }

  placement(mission: string): Placement {
    const placement = this.#placements.get(mission)
    if (placement === undefined) throw new Error(`no mission ${mission}`)
    return placement
  }

  branch(mission: string): string {
    return this.placement(mission).ref.slice('refs/heads/'.length)
  }

  logPath(mission: string): string {
    return join(this.placement(mission).missionPath, 'decisions.events.jsonl')
  }

  options(overrides: Partial<LedgerOptions> = {}): LedgerOptions {
    const { root, commonDir } = this
    return {
      repository: { root, worktree: root, gitDir: commonDir, commonDir },
      identity: async () => IDENTITY,
      placementOf: async (mission) => this.placement(mission),
      missions: (isKnown) =>
        [...this.#placements.values()]
          .map(({ mission }) => mission)
          .filter(({ directory }) => !isKnown(directory)),
      protectedBranches: async () => null,
      author: async () => AUTHOR,
      assertClean: () => undefined,
      ...overrides,
    }
  }

  ledger(overrides: Partial<LedgerOptions> = {}): Ledger {
    return new Ledger(this.options(overrides))
  }

  requested(mission: string, decisionId = ulid(), question = 'Which one?'): RequestedRecord {
    return requestedRecord(this.placement(mission).mission.mission_id, decisionId, question)
  }

  answered(mission: string, decisionId: string, answer = 'The first'): AnsweredRecord {
    return answeredRecord(this.placement(mission).mission.mission_id, decisionId, answer)
  }

  /** One decision requested, answered and committed; answers the commit. */
  async decide(ledger: Ledger, mission: string): Promise<string> {
    const request = this.requested(mission)
    await ledger.request(mission, request)
    await ledger.answer(mission, this.answered(mission, request.payload.decision_id))
    const answer = await ledger.commit(mission, 'decisions')
    if (answer.type !== 'git.committed') throw new Error(answer.deferral.message)
    return answer.commit
  }

  remove(): void {
    this.git.remove()
  }
}

const ACTOR = { actor_id: 'cli', actor_type: 'human' } as const

export function requestedRecord(
  missionId: string,
  decision_id: string,
  question = 'Which one?',
): RequestedRecord {
  return {
    at: '2026-06-01T07:00:00.000000+00:00',
    build_id: IDENTITY.build_id,
    event_id: ulid(),
    event_type: 'DecisionInputRequested',
    mission_id: missionId,
    payload: {
      run_id: 'cli',
      decision_id,
      step_id: 'manual',
      question,
      options: ['The first', 'The second'],
      input_key: null,
      actor: ACTOR,
    },
  }
}

export function answeredRecord(
  missionId: string,
  decision_id: string,
  answer = 'The first',
): AnsweredRecord {
  return {
    at: '2026-06-01T07:05:00.000000+00:00',
    build_id: IDENTITY.build_id,
    event_id: ulid(),
    event_type: 'DecisionInputAnswered',
    mission_id: missionId,
    payload: { run_id: 'cli', decision_id, answer, actor: ACTOR },
  }
}
